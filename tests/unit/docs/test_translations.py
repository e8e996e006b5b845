"""English and Chinese pages have the same content."""

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
"""Pages with a Chinese version: all except decisions and the references that code refers to."""
BOTH = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def chinese(page: Path) -> Path:
    """Return the translation of a page."""
    return page.with_name(f"{page.stem}.zh-CN.md")


def prose(page: Path) -> str:
    """Return the page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def headings(page: Path) -> list[str]:
    """Return the texts of the headings."""
    return re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)


def names(page: Path) -> set[str]:
    """Return the code spans of the prose: settings, metrics, fields, commands."""
    return {word for code in re.findall(r"`([^`]+)`", prose(page)) for word in re.findall(r"\w+", code)}


@BOTH
def test_both_languages_show_the_same_code_under_the_same_headings(page: Path) -> None:
    """Both languages show the same samples under the same headings."""
    assert blocks(page) == blocks(chinese(page))
    assert len(headings(page)) == len(headings(chinese(page)))


@BOTH
def test_both_languages_name_the_same_identifiers(page: Path) -> None:
    """Both languages name the same settings, metrics, fields and commands."""
    assert names(page) == names(chinese(page))


@BOTH
def test_links_stay_in_their_language_and_resolve(page: Path) -> None:
    """A Chinese page links to Chinese pages where they exist, and every linked heading exists."""
    for one in (page, chinese(page)):
        for link, part in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", prose(one)):
            target = (one.parent / link) if link else one
            assert target.exists(), f"{one.name}: {link}"
            if part:
                assert part in parts(target), f"{one.name}: {link}#{part}"
            if ".zh-CN" in one.name and target != page and target.suffix == ".md":
                assert ".zh-CN" in target.name or not chinese(target).exists(), f"{one.name}: {link}"


def parts(page: Path) -> set[str]:
    """Return the anchors of the headings."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings(page)}
