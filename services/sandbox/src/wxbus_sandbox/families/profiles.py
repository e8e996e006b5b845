"""Name, picture and introduction of a Mini Program: each name is accepted after a review, which ends with an event."""

from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.profiles import (
    HeadImageInfo,
    NameProofs,
    NicknameInfo,
    Profile,
    Profiles,
    Renaming,
    RenamingState,
    SignatureInfo,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.state import Part

MINI_PROGRAM: Final = 3
RUNNING: Final = 1
REJECTED: Final = 2
PASSED: Final = 3


class ProfileState(Part):
    """The profile of one Mini Program."""

    def __init__(self) -> None:
        self.name = ""
        self.picture = ""
        self.introduction = ""
        self.hidden = False
        self.reviews: dict[str, tuple[str, int]] = {}
        """Names and states by audit id."""


class ProfilesTwin(Twin, Profiles):
    """Keeps the profile."""

    async def find(self) -> Profile:
        """Return the account."""
        state = self.call.state(ProfileState)
        return Profile(
            appid=self.call.account.appid,
            account_type=MINI_PROGRAM,
            nickname_info=NicknameInfo(nickname=state.name),
            head_image_info=HeadImageInfo(head_image_url=state.picture),
            signature_info=SignatureInfo(signature=state.introduction),
        )

    async def set_picture(self, media_id: str, *, x1: str = "0", y1: str = "0", x2: str = "1", y2: str = "1") -> None:
        """Set the picture to temporary media."""
        media = self.call.sandbox.media.get(self.call.account.appid, media_id)
        self.call.state(ProfileState).picture = f"http://mmbiz.qpic.cn/{media.media_id}"

    async def set_introduction(self, text: str) -> None:
        """Set the introduction."""
        self.call.state(ProfileState).introduction = text

    async def set_name(self, name: str, *, proofs: NameProofs | None = None) -> Renaming:
        """Begin a review of a name."""
        state = self.call.state(ProfileState)
        audit_id = str(len(state.reviews) + 1)
        state.reviews[audit_id] = (name, RUNNING)

        def finish() -> None:
            state.name = name
            state.reviews[audit_id] = (name, PASSED)

        fields = {"ret": PASSED, "nickname": name}
        self.call.results.push(self.call.account, "wxa_nickname_audit", fields, before=finish)
        return Renaming(audit_id=audit_id)

    async def renaming(self, audit_id: str) -> RenamingState:
        """Return the status of a review; an unknown review counts as rejected."""
        name, status = self.call.state(ProfileState).reviews.get(audit_id, ("", REJECTED))
        now = datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        return RenamingState(nickname=name, audit_stat=status, create_time=now)

    async def set_hidden(self, hidden: bool) -> None:
        """Hide the Mini Program from searches, or show it."""
        self.call.state(ProfileState).hidden = hidden

    async def is_hidden(self) -> bool:
        """Return whether the Mini Program is hidden."""
        return self.call.state(ProfileState).hidden
