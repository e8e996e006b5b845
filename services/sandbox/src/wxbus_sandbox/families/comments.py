"""Comments on articles; the control API lets users comment."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from wxbus.api.endpoints.comments import Comment, CommentPage, CommentReply, Comments
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

NO_ARTICLE: Final = 88001
REPLIED: Final = 88005
NO_COMMENT: Final = 88008
SELECTED: Final = 1


@dataclass(slots=True)
class _Article:
    open: bool = True
    comments: dict[str, Comment] = field(default_factory=dict)


class CommentState(Part):
    """The comments of one account."""

    def __init__(self) -> None:
        self.articles: dict[tuple[str, int], _Article] = {}
        """By msg_data_id and index; an article is known once comments on it were opened."""
        self.count = 0

    def add(self, msg_data_id: str, index: int, openid: str, content: str, now: float) -> str:
        """Add a user's comment and return its id; raises ApiError 88001 if comments are closed."""
        article = self.articles.get((msg_data_id, index))
        if article is None or not article.open:
            raise ApiError(NO_ARTICLE)
        self.count += 1
        comment_id = str(self.count)
        article.comments[comment_id] = Comment(
            user_comment_id=comment_id, openid=openid, content=content, create_time=datetime.fromtimestamp(now, UTC)
        )
        return comment_id


class CommentsTwin(Twin, Comments):
    """Keeps comments and replies."""

    async def open(self, msg_data_id: str, *, index: int = 0) -> None:
        """Let users comment."""
        self.call.state(CommentState).articles.setdefault((msg_data_id, index), _Article()).open = True

    async def close(self, msg_data_id: str, *, index: int = 0) -> None:
        """Close the comments."""
        self._article(msg_data_id, index).open = False

    async def page(
        self, msg_data_id: str, *, index: int = 0, begin: int = 0, count: int = 49, kind: Literal[0, 1, 2] = 0
    ) -> CommentPage:
        """Return comments."""
        found = [
            one
            for one in self._article(msg_data_id, index).comments.values()
            if kind == 0 or (one.comment_type == SELECTED) is (kind == 2)
        ]
        return CommentPage(total=len(found), comment=tuple(found[begin : begin + count]))

    async def select(self, msg_data_id: str, comment_id: str, *, index: int = 0) -> None:
        """Show a comment."""
        self._change(msg_data_id, index, comment_id, comment_type=SELECTED)

    async def unselect(self, msg_data_id: str, comment_id: str, *, index: int = 0) -> None:
        """Hide a comment."""
        self._change(msg_data_id, index, comment_id, comment_type=0)

    async def delete(self, msg_data_id: str, comment_id: str, *, index: int = 0) -> None:
        """Delete a comment."""
        self._change(msg_data_id, index, comment_id)
        del self._article(msg_data_id, index).comments[comment_id]

    async def reply(self, msg_data_id: str, comment_id: str, content: str, *, index: int = 0) -> None:
        """Reply once."""
        found = self._article(msg_data_id, index).comments.get(comment_id)
        if found is not None and found.reply is not None:
            raise ApiError(REPLIED)
        now = datetime.fromtimestamp(self.call.sandbox.clock.now(), UTC)
        self._change(msg_data_id, index, comment_id, reply=CommentReply(content=content, create_time=now))

    async def delete_reply(self, msg_data_id: str, comment_id: str, *, index: int = 0) -> None:
        """Delete the reply."""
        self._change(msg_data_id, index, comment_id, reply=None)

    def _article(self, msg_data_id: str, index: int) -> _Article:
        found = self.call.state(CommentState).articles.get((msg_data_id, index))
        if found is None:
            raise ApiError(NO_ARTICLE)
        return found

    def _change(self, msg_data_id: str, index: int, comment_id: str, **fields: object) -> None:
        comments = self._article(msg_data_id, index).comments
        if comment_id not in comments:
            raise ApiError(NO_COMMENT)
        comments[comment_id] = comments[comment_id].model_copy(update=fields)
