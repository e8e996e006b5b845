"""Whoever reads Chinese is told the same as who reads English."""

import re
from pathlib import Path

import pytest

from tests.support.readme import ROOT, blocks

ENGLISH_ONLY = {"wechat-protocol.md", "wecom.md", "rabbitmq-and-redis.md"}
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in (ROOT / "docs").rglob("*.md")
        if ".zh-CN" not in page.name and page.parent.name != "decisions" and page.name not in ENGLISH_ONLY
    ),
]
"""The pages that have a Chinese twin: all but the decisions and the references that code refers to."""
BOTH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def chinese(page: Path) -> Path:
    """The page's translation."""
    return page.with_name(f"{page.stem}.zh-CN.md")


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def headings(page: Path) -> list[str]:
    """The texts of the page's headings."""
    return re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)


def names(page: Path) -> set[str]:
    """The words that stand as code in the prose: settings, metrics, fields, commands."""
    return {word for code in re.findall(r"`([^`]+)`", prose(page)) for word in re.findall(r"\w+", code)}


@BOTH
def test_both_languages_show_the_same_code_under_the_same_headings(page: Path) -> None:
    """Samples are one text for both."""
    assert blocks(page) == blocks(chinese(page))
    assert len(headings(page)) == len(headings(chinese(page)))


@BOTH
def test_both_languages_name_the_same_things(page: Path) -> None:
    """No setting, metric, field or command is explained in one language only."""
    assert names(page) == names(chinese(page))


@BOTH
def test_every_link_leads_somewhere_in_its_own_language(page: Path) -> None:
    """A page that exists in Chinese is linked in Chinese; a part of a page that is named is there."""
    for one in (page, chinese(page)):
        for link, part in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", prose(one)):
            target = (one.parent / link) if link else one
            assert target.exists(), f"{one.name}: {link}"
            if part:
                assert part in parts(target), f"{one.name}: {link}#{part}"
            if ".zh-CN" in one.name and target != page and target.suffix == ".md":
                assert ".zh-CN" in target.name or not chinese(target).exists(), f"{one.name}: {link}"


def parts(page: Path) -> set[str]:
    """The headings as links name them."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}
