"""Comments on articles of an Official Account."""

from typing import Annotated, Literal

from pydantic import Field

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, NumberId, Refused, Timestamp, post

MsgDataId = Annotated[NumberId, Refused(88001)]
ArticleIndex = Annotated[int, Field(ge=0, le=7)]
CommentId = Annotated[NumberId, Key("user_comment_id"), Refused(88008)]


class CommentReply(Answer):
    """The account's reply to a comment."""

    content: str
    create_time: Timestamp | None = None


class Comment(Answer):
    """A comment on an article."""

    user_comment_id: str
    openid: str = ""
    content: str = ""
    comment_type: int = 0
    """1: selected."""
    create_time: Timestamp | None = None
    reply: CommentReply | None = None


class CommentPage(Answer):
    """A page of comments."""

    total: int = 0
    comment: tuple[Comment, ...] = ()


class Comments(Family):
    """Comments on articles that were sent or published; `index` counts the articles from 0."""

    title = "图文评论"

    @post(
        "/cgi-bin/comment/open",
        name="openArticleComment",
        title="打开已群发文章评论",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88002),
    )
    async def open(self, msg_data_id: MsgDataId, *, index: ArticleIndex = 0) -> None:
        """Let users comment on an article."""

    @post(
        "/cgi-bin/comment/close",
        name="closecomment",
        title="关闭已群发文章评论",
        repeat=Repeat.READ,
        errcodes=(88000, 88001),
    )
    async def close(self, msg_data_id: MsgDataId, *, index: ArticleIndex = 0) -> None:
        """Close the comments on an article."""

    @post(
        "/cgi-bin/comment/list",
        name="listComment",
        title="查看指定文章的评论数据",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88010),
    )
    async def page(
        self,
        msg_data_id: MsgDataId,
        *,
        index: ArticleIndex = 0,
        begin: Annotated[int, Field(ge=0)] = 0,
        count: Annotated[int, Field(ge=1, le=49), Refused(88010)] = 49,
        kind: Annotated[Literal[0, 1, 2], Key("type")] = 0,
    ) -> CommentPage:
        """Return up to 49 comments: all (kind 0), those not selected (1), or the selected ones (2)."""

    @post(
        "/cgi-bin/comment/markelect",
        name="electcomment",
        title="将评论标记精选",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88003, 88004, 88008),
    )
    async def select(self, msg_data_id: MsgDataId, comment_id: CommentId, *, index: ArticleIndex = 0) -> None:
        """Show a comment to all readers."""

    @post(
        "/cgi-bin/comment/unmarkelect",
        name="unelectcomment",
        title="将评论取消精选",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88008),
    )
    async def unselect(self, msg_data_id: MsgDataId, comment_id: CommentId, *, index: ArticleIndex = 0) -> None:
        """Stop showing a comment to all readers."""

    @post(
        "/cgi-bin/comment/delete",
        name="delcomment",
        title="删除评论",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88008),
    )
    async def delete(self, msg_data_id: MsgDataId, comment_id: CommentId, *, index: ArticleIndex = 0) -> None:
        """Delete a comment."""

    @post(
        "/cgi-bin/comment/reply/add",
        name="replycomment",
        title="回复评论",
        repeat=Repeat.SEND,
        errcodes=(88000, 88001, 88005, 88007, 88008),
    )
    async def reply(
        self,
        msg_data_id: MsgDataId,
        comment_id: CommentId,
        content: Annotated[str, Field(min_length=1), Refused(88007)],
        *,
        index: ArticleIndex = 0,
    ) -> None:
        """Reply to a comment, once."""

    @post(
        "/cgi-bin/comment/reply/delete",
        name="delreplycomment",
        title="删除回复",
        repeat=Repeat.READ,
        errcodes=(88000, 88001, 88008),
    )
    async def delete_reply(self, msg_data_id: MsgDataId, comment_id: CommentId, *, index: ArticleIndex = 0) -> None:
        """Delete the reply to a comment."""
