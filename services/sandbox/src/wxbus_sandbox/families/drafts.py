"""Drafts and publications of an Official Account."""

import itertools
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from wxbus.api.endpoints.drafts import Article, Articles, Draft, DraftArticle, DraftPage, Drafts
from wxbus.api.endpoints.publications import (
    Publication,
    PublicationPage,
    Publications,
    PublishedUrl,
    PublishedUrls,
    PublishJob,
    PublishStatus,
)
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

WRONG_MEDIA: Final = 40007
WRONG_INDEX: Final = 40114
NO_PUBLICATION: Final = 40002
NO_ARTICLE: Final = 53600
RUNNING: Final = 1
DONE: Final = 0
DELETED: Final = 5


@dataclass(slots=True)
class StoredArticles:
    """The articles of a draft or a publication."""

    articles: list[Article]
    updated_at: float


@dataclass(slots=True)
class _Job:
    article_id: str
    content: StoredArticles
    status: int = RUNNING
    deleted: set[int] = field(default_factory=set)
    """Articles that were deleted, from 1."""


class DraftState(Part):
    """The drafts and publications of one account."""

    def __init__(self) -> None:
        self.drafts: dict[str, StoredArticles] = {}
        self.jobs: dict[str, _Job] = {}
        """By publish id."""
        self.ids = itertools.count(time.time_ns())
        """More than 2**53: no program may read an id as a float."""

    def take(self, media_id: str) -> StoredArticles:
        """Remove a draft and return its articles; raises ApiError 40007 if there is none."""
        found = self.draft(media_id)
        del self.drafts[media_id]
        return found

    def draft(self, media_id: str) -> StoredArticles:
        """Return the articles of a draft; raises ApiError 40007 if there is none."""
        found = self.drafts.get(media_id)
        if found is None:
            raise ApiError(WRONG_MEDIA)
        return found

    def publication(self, article_id: str) -> _Job:
        """Return a publication that was not deleted; raises ApiError 53600 if there is none."""
        found = next((job for job in self.jobs.values() if job.article_id == article_id), None)
        if found is None or found.status != DONE:
            raise ApiError(NO_ARTICLE)
        return found


class DraftsTwin(Twin, Drafts):
    """Keeps the drafts."""

    async def add(self, articles: Sequence[DraftArticle]) -> str:
        """Add a draft."""
        media_id = secrets.token_urlsafe(48)
        stored = StoredArticles([_article(one) for one in articles], self.call.sandbox.clock.now())
        self.call.state(DraftState).drafts[media_id] = stored
        return media_id

    async def update(self, media_id: str, article: DraftArticle, *, index: int = 0) -> None:
        """Replace an article."""
        draft = self.call.state(DraftState).draft(media_id)
        if index >= len(draft.articles):
            raise ApiError(WRONG_INDEX)
        draft.articles[index] = _article(article)
        draft.updated_at = self.call.sandbox.clock.now()

    async def find(self, media_id: str) -> list[Article]:
        """Return a draft."""
        return self.call.state(DraftState).draft(media_id).articles

    async def delete(self, media_id: str) -> None:
        """Delete a draft."""
        self.call.state(DraftState).take(media_id)

    async def count(self) -> int:
        """Return the number of drafts."""
        return len(self.call.state(DraftState).drafts)

    async def page(self, *, offset: int = 0, count: int = 20, without_text: bool = False) -> DraftPage:
        """Return drafts."""
        newest = sorted(self.call.state(DraftState).drafts.items(), key=lambda one: -one[1].updated_at)
        items = tuple(
            Draft(media_id=media_id, content=_content(draft, without_text), update_time=_moment(draft))
            for media_id, draft in newest[offset : offset + count]
        )
        return DraftPage(total_count=len(newest), item_count=len(items), item=items)


class PublicationsTwin(Twin, Publications):
    """Publishes drafts; each publication ends with an event."""

    async def submit(self, media_id: str) -> PublishJob:
        """Begin to publish a draft."""
        state, clock = self.call.state(DraftState), self.call.sandbox.clock
        articles = state.take(media_id).articles
        publish_id, msg_data_id = str(next(state.ids)), str(next(state.ids))
        job = _Job(secrets.token_urlsafe(32), StoredArticles(articles, clock.now()))
        state.jobs[publish_id] = job

        def finish() -> None:
            job.status = DONE

        info = {
            "publish_id": publish_id,
            "publish_status": DONE,
            "article_id": job.article_id,
            "article_detail": {"count": len(articles), "item": [one.model_dump() for one in _urls(job)]},
        }
        self.call.results.push(self.call.account, "PUBLISHJOBFINISH", {"PublishEventInfo": info}, before=finish)
        return PublishJob(publish_id=publish_id, msg_data_id=msg_data_id)

    async def status(self, publish_id: str) -> PublishStatus:
        """Return the status of a publication."""
        job = self.call.state(DraftState).jobs.get(publish_id)
        if job is None:
            raise ApiError(NO_PUBLICATION)
        if job.status != DONE:
            return PublishStatus(publish_id=publish_id, publish_status=job.status)
        urls = tuple(_urls(job))
        return PublishStatus(
            publish_id=publish_id,
            publish_status=DONE,
            article_id=job.article_id,
            article_detail=PublishedUrls(count=len(urls), item=urls),
        )

    async def delete(self, article_id: str, *, index: int = 0) -> None:
        """Delete one article or all."""
        job = self.call.state(DraftState).publication(article_id)
        job.deleted |= {index} if index else {*range(1, len(job.content.articles) + 1)}
        if len(job.deleted) >= len(job.content.articles):
            job.status = DELETED

    async def find(self, article_id: str) -> list[Article]:
        """Return the articles."""
        return _published(self.call.state(DraftState).publication(article_id))

    async def page(self, *, offset: int = 0, count: int = 20, without_text: bool = False) -> PublicationPage:
        """Return publications."""
        done = [job for job in reversed(self.call.state(DraftState).jobs.values()) if job.status == DONE]
        items = tuple(
            Publication(
                article_id=job.article_id,
                content=_content(StoredArticles(_published(job), job.content.updated_at), without_text),
                update_time=_moment(job.content),
            )
            for job in done[offset : offset + count]
        )
        return PublicationPage(total_count=len(done), item_count=len(items), item=items)


def _article(sent: DraftArticle) -> Article:
    return Article.model_validate({**sent.model_dump(exclude_none=True), "url": "http://mp.weixin.qq.com/s/draft"})


def _published(job: _Job) -> list[Article]:
    return [
        one.model_copy(update={"is_deleted": number in job.deleted})
        for number, one in enumerate(job.content.articles, start=1)
    ]


def _urls(job: _Job) -> Iterable[PublishedUrl]:
    for number in range(1, len(job.content.articles) + 1):
        yield PublishedUrl(idx=number, article_url=f"http://mp.weixin.qq.com/s/{job.article_id}-{number}")


def _content(stored: StoredArticles, without_text: bool) -> Articles:
    cut = {"content": ""} if without_text else {}
    return Articles(news_item=tuple(one.model_copy(update=cut) for one in stored.articles))


def _moment(stored: StoredArticles) -> datetime:
    return datetime.fromtimestamp(stored.updated_at, UTC)
