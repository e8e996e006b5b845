"""The languages of the pages that services show in a browser."""

from enum import StrEnum


class Language(StrEnum):
    """A language of a page."""

    ENGLISH = "en"
    CHINESE = "zh-CN"


def preferred_language(accept_language: str) -> Language:
    """Return the language that an `Accept-Language` header prefers; English by default."""
    best, language = 0.0, Language.ENGLISH
    for entry in accept_language.split(","):
        tag, _, weight = entry.replace(" ", "").lower().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            continue
        primary = tag.partition("-")[0]
        if quality > best and primary in {"en", "zh"}:
            best, language = quality, Language.CHINESE if primary == "zh" else Language.ENGLISH
    return language
