"""Typed answers of all endpoints, with fields that WeChat might send."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.support.endpoints import all_endpoints
from tests.support.sizes import soak
from wxbus.api.declaration.decorators import endpoints_of
from wxbus.api.declaration.parameters import put
from wxbus.api.endpoints.image_processing import ImageProcessing
from wxbus.errors import WeChatUnavailable
from wxbus_sandbox.rules.samples import sample

VALUES: tuple[object, ...] = (None, "", 0, "x", [], {}, True, "12", -1, 1.5, [None], [{}], "2026")
FIELDS = soak(1000, 6)
"""Fields of each answer that are replaced."""
EACH = soak(1, 5)
"""One endpoint of so many."""


def fields_of(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each field, and of the first item of each list."""
    members = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from fields_of(member, (*path, name))


def replaced(answer: Any, path: tuple[str | int, ...], value: object) -> Any:
    """Return the answer with another value at a path."""
    changed = parent = copy.deepcopy(answer)
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return changed


def test_an_unexpected_field_raises_one_error_only() -> None:
    """The answer is read, or WeChatUnavailable names the endpoint: no other exception reaches the caller."""
    read, refused = 0, 0
    for one in all_endpoints()[::EACH]:
        endpoint = one.endpoint
        if endpoint.is_binary or endpoint.returns is type(None):
            continue
        answer: dict[str, Any] = {}
        put(answer, endpoint.answer_key, sample(endpoint.answer.json_schema(mode="serialization"), "value"))
        for path in list(fields_of(answer))[:FIELDS]:
            for value in VALUES:
                try:
                    endpoint.read(replaced(answer, path, value))
                except WeChatUnavailable as exc:
                    assert endpoint.path in str(exc)  # noqa: PT017 - both outcomes are right
                    refused += 1
                else:
                    read += 1
    assert min(read, refused) > 1000


def test_the_place_of_a_code_has_corners() -> None:
    """WeChat nests the corners once in the answer for codes, twice in those for licences."""
    corner = {"x": 585, "y": 378}
    answer = {"code_results": [{"type_name": "QR_CODE", "data": "a", "pos": {"left_top": corner}}]}
    [found] = endpoints_of(ImageProcessing)["codes"].read(answer).code_results
    assert found.pos is not None
    assert (found.pos.left_top.x, found.pos.left_top.y) == (585, 378)
