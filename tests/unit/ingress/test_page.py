"""The page of a callback address is in the reader's language and fits a small screen."""

import re

import pytest

from tests.support.browser import Window, needs_browser, open_browser
from tests.unit.ingress.conftest import ACCOUNTS, Ingress
from wxbus.runtime.languages import Language, preferred_language

NARROW = 420
PLACES = [*(account.name for account in ACCOUNTS), "unknown", "a-name-of-an-account-that-is-very-long-indeed" * 3]
CHINESE = re.compile("[\u4e00-\u9fff]")
LATIN_SENTENCE = re.compile(r"[a-z]+ [a-z]+ [a-z]+ [a-z]+")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.CHINESE),
        ("zh-TW", Language.CHINESE),
        ("en-US,en;q=0.9,zh-CN;q=0.8", Language.ENGLISH),
        ("de-DE, de;q=0.9, zh;q=0.4, en;q=0.3", Language.CHINESE),
        ("en;q=0.5, zh;q=0.7", Language.CHINESE),
        ("zh;q=0, en", Language.ENGLISH),
        ("zh;q=0", Language.ENGLISH),
        ("de", Language.ENGLISH),
        ("*;q=0.1", Language.ENGLISH),
        ("zh;q=much, ;;=,", Language.ENGLISH),
    ],
)
def test_the_preferred_language_is_used(header: str, language: Language) -> None:
    """The weights of the header decide; the default is English."""
    assert preferred_language(header) is language


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("language", Language)
async def test_a_page_has_one_language(ingress: Ingress, place: str, language: Language) -> None:
    """A page has one language, and caches keep the languages apart."""
    headers = {"Accept-Language": f"{language},*;q=0.1"}
    async with ingress.http.get(f"{ingress.url}/wechat/{place}", headers=headers) as answer:
        text, vary = await answer.text(), answer.headers["Vary"]
    head, _, body = text.partition("<body>")

    assert f'<html lang="{language}">' in head
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in head
    assert vary == "Accept-Language"
    assert bool(CHINESE.search(text)) == (language is Language.CHINESE)
    assert bool(LATIN_SENTENCE.search(body)) == (language is Language.ENGLISH)


@needs_browser
async def test_no_page_is_wider_than_a_small_screen(ingress: Ingress) -> None:
    """At 420 pixels nothing needs horizontal scrolling, and the browser logs no errors."""
    async with open_browser() as browser:
        for language in Language:
            async with Window.open(browser, language=language, width=NARROW) as window:
                for place in PLACES:
                    await window.page.goto(f"{ingress.url}/wechat/{place}")
                    assert await window.page.evaluate("document.documentElement.lang") == language
                    assert await window.widths() == (NARROW, NARROW)
                assert window.errors == []
