"""Headers with weighted alternatives, like `Accept` and `Accept-Encoding` (RFC 9110, 12.5)."""

import re
from collections.abc import Mapping
from typing import Final

QUALITY: Final = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
ANYTHING: Final = "*/*"


def qualities(header: str) -> Mapping[str, float]:
    """Return the weight of each alternative, 0 to 1; a missing or malformed weight counts as 1."""
    weights = {}
    for alternative in header.lower().split(","):
        name, *parameters = (part.strip() for part in alternative.split(";"))
        weight = next((value.strip() for key, _, value in (p.partition("=") for p in parameters) if key == "q"), "1")
        if name:
            weights[name] = float(weight) if QUALITY.fullmatch(weight) else 1.0
    return weights


def quality_of(content_type: str, weights: Mapping[str, float]) -> float:
    """Return the weight of a content type in `Accept`: that of the most specific entry."""
    for range_ in (content_type, f"{content_type.partition('/')[0]}/*", ANYTHING):
        if range_ in weights:
            return weights[range_]
    return 0.0
