"""Followers, their remarks and tags, and the blacklist."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.tags import NO_TAG, SYSTEM_TAG, Tag, TaggedPage, Tags
from wxbus.api.endpoints.users import Language, OpenIds, User, UserPage, UserQuery, Users
from wxbus_sandbox.families.twin import ApiCall, Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

PAGE: Final = 10_000
BLACKLIST_PAGE: Final = 1_000
MAX_TAGS: Final = 100
MAX_TAGS_OF_USER: Final = 20
TOO_MANY_TAGS: Final = 45056
USER_HAS_TOO_MANY_TAGS: Final = 45059
NAME_TAKEN: Final = 45157
SYSTEM_TAGS: Final = {0: "未分组", 1: "黑名单", 2: "星标组"}
FIRST_TAG: Final = 100


class UserState(Part):
    """The remarks, tags and blacklist of one account."""

    def __init__(self) -> None:
        self.remarks: dict[str, str] = {}
        self.blacklist: dict[str, None] = {}
        """In the order in which they were blocked."""
        self.tags: dict[int, str] = {}
        self.tags_of: dict[str, list[int]] = {}


class UsersTwin(Twin, Users):
    """Knows the users who acted towards the account."""

    async def info(self, openid: str, *, language: Language | None = None) -> User:
        """Return a user."""
        return _user(self.call, openid, language or "zh_CN")

    async def info_of_many(self, users: Sequence[UserQuery]) -> list[User]:
        """Return users."""
        return [_user(self.call, user.openid, user.lang) for user in users]

    async def followers(self, *, start: str | None = None) -> UserPage:
        """Return a page of the followers."""
        return _page(self.call.sandbox.users.followers(self.call.account.appid), start or "", PAGE)

    async def set_remark(self, openid: str, remark: str) -> None:
        """Keep the remark."""
        self.call.state(UserState).remarks[_checked(self.call, openid)] = remark

    async def blacklist(self, *, start: str = "") -> UserPage:
        """Return a page of the blacklist."""
        return _page([*self.call.state(UserState).blacklist], start, BLACKLIST_PAGE)

    async def block(self, openids: Sequence[str]) -> None:
        """Add to the blacklist."""
        self.call.state(UserState).blacklist.update(dict.fromkeys(_checked(self.call, openid) for openid in openids))

    async def unblock(self, openids: Sequence[str]) -> None:
        """Remove from the blacklist."""
        for openid in openids:
            self.call.state(UserState).blacklist.pop(openid, None)


class TagsTwin(Twin, Tags):
    """Keeps tags and who has them."""

    async def create(self, name: str) -> Tag:
        """Create a tag."""
        state = self.call.state(UserState)
        if name in {*state.tags.values(), *SYSTEM_TAGS.values()}:
            raise ApiError(NAME_TAKEN)
        if len(state.tags) >= MAX_TAGS:
            raise ApiError(TOO_MANY_TAGS)
        number = max(state.tags, default=FIRST_TAG - 1) + 1
        state.tags[number] = name
        return Tag(id=number, name=name)

    async def all(self) -> list[Tag]:
        """Return all tags."""
        state = self.call.state(UserState)
        names = {**SYSTEM_TAGS, **state.tags}
        return [Tag(id=number, name=names[number], count=len(_tagged(state, number))) for number in names]

    async def rename(self, tag_id: int, name: str) -> None:
        """Rename a tag."""
        state = self._state_with(tag_id)
        if any(name == other for number, other in {**SYSTEM_TAGS, **state.tags}.items() if number != tag_id):
            raise ApiError(NAME_TAKEN)
        state.tags[tag_id] = name

    async def delete(self, tag_id: int) -> None:
        """Delete a tag."""
        state = self._state_with(tag_id)
        del state.tags[tag_id]
        for tags in state.tags_of.values():
            if tag_id in tags:
                tags.remove(tag_id)

    async def followers(self, tag_id: int, *, start: str = "") -> TaggedPage:
        """Return a page of the users with a tag."""
        page = _page(_tagged(self._state_with(tag_id, system=True), tag_id), start, PAGE)
        return TaggedPage(count=page.count, data=page.data, next_openid=page.next_openid)

    async def add(self, tag_id: int, openids: Sequence[str]) -> None:
        """Give a tag to all of the users, or to none of them."""
        state = self._state_with(tag_id, system=True)
        for openid in openids:
            tags = state.tags_of.get(_checked(self.call, openid), [])
            if tag_id not in tags and len(tags) >= MAX_TAGS_OF_USER:
                raise ApiError(USER_HAS_TOO_MANY_TAGS)
        for openid in openids:
            tags = state.tags_of.setdefault(openid, [])
            if tag_id not in tags:
                tags.append(tag_id)

    async def remove(self, tag_id: int, openids: Sequence[str]) -> None:
        """Take a tag from users."""
        state = self._state_with(tag_id, system=True)
        for openid in openids:
            if tag_id in (tags := state.tags_of.get(_checked(self.call, openid), [])):
                tags.remove(tag_id)

    async def of(self, openid: str) -> list[int]:
        """Return the tags of a user."""
        return [*self.call.state(UserState).tags_of.get(_checked(self.call, openid), ())]

    def _state_with(self, tag_id: int, *, system: bool = False) -> UserState:
        """Return the state; raises ApiError if there is no such tag, or if it is WeChat's own."""
        state = self.call.state(UserState)
        if tag_id in SYSTEM_TAGS and not system:
            raise ApiError(SYSTEM_TAG)
        if tag_id not in state.tags and tag_id not in SYSTEM_TAGS:
            raise ApiError(NO_TAG)
        return state


def _checked(call: ApiCall, openid: str) -> str:
    return call.sandbox.users.check_openid(call.account.appid, openid)


def _user(call: ApiCall, openid: str, language: str) -> User:
    users, state = call.sandbox.users, call.state(UserState)
    if users.has_unsubscribed(call.account.appid, openid):
        return User(openid=openid)
    return User(
        openid=_checked(call, openid),
        subscribe=True,
        language=language,
        subscribe_time=datetime.fromtimestamp(call.sandbox.clock.now(), UTC),
        subscribe_scene="ADD_SCENE_SEARCH",
        remark=state.remarks.get(openid, ""),
        tagid_list=tuple(state.tags_of.get(openid, ())),
    )


def _tagged(state: UserState, tag_id: int) -> list[str]:
    return [openid for openid, tags in state.tags_of.items() if tag_id in tags]


def _page(openids: list[str], start: str, size: int) -> UserPage:
    """Return the openids after `start`, up to `size`."""
    rest = openids[openids.index(start) + 1 :] if start in openids else openids
    page = tuple(rest[:size])
    return UserPage(
        total=len(openids),
        count=len(page),
        data=OpenIds(openid=page),
        next_openid=page[-1] if len(rest) > size else "",
    )
