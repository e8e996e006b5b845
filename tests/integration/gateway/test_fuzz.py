"""Any request of a client has an answer below 500, and shows nothing of ours."""

import json
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.gateway.test_services import shop
from tests.support.gateway import Gateways, Visitor
from tests.support.sizes import soak

pytestmark = pytest.mark.integration

PATHS = (
    *("cafe/login", "cafe/session", "cafe/user-info", "cafe/phone"),
    *("cafe/orders/price", "cafe/orders/create", "cafe/orders/deliver", "cafe/orders/none", "cafe/socket"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
NAMES = ("code", "encryptedData", "iv", "rawData", "signature", "everywhere", "item", "count")
BODIES = st.one_of(
    st.just(b'{"item": "tea"}'),
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4).map(lambda value: json.dumps(value).encode()),
)
CONTENT_TYPES = st.sampled_from(
    ["application/json"] * 3
    + ["application/xml", "application/x-www-form-urlencoded", "application/vnd.msgpack", "text/html", ""]
)
HEADERS = st.sampled_from(["", "gzip", "br"])
KEYS = st.sampled_from([None, "", "key", "x" * 129, "é"])


async def test_no_request_is_a_fault_of_ours(world: Gateways) -> None:
    """Wrong bodies, formats, encodings, tokens and keys: no 5xx, and problem documents without a traceback."""
    async with world.running(shop(), rate_limit=1e6, address_rate_limit=1e6) as visitor:
        visit = visitor()
        await world.log_in(visit)
        seen: set[int] = set()
        requests: list[dict[str, Any]] = []

        @settings(max_examples=soak(2000, 150), database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            path=st.sampled_from(PATHS),
            body=BODIES,
            kind=CONTENT_TYPES,
            encoding=HEADERS,
            key=KEYS,
            token=st.sampled_from(["", "valid", "x" * 43]),
        )
        def draw(path: str, body: bytes, kind: str, encoding: str, key: str | None, token: str) -> None:
            headers = {"Content-Type": kind, "Content-Encoding": encoding, "Idempotency-Key": key or ""}
            headers["Authorization"] = f"Bearer {token}" if token else ""
            requests.append({"path": path, "body": body, "headers": {k: v for k, v in headers.items() if v}})

        draw()
        valid = {"Content-Type": "application/json", "Authorization": "Bearer valid"}
        requests.append({"path": "cafe/orders/create", "body": b'{"item": "tea"}', "headers": valid})
        for request in requests:
            seen.add(await _status(visit, **request))
    assert seen <= {200, 400, 401, 404, 405, 409, 413, 415, 422}, seen
    assert {200, 401, 415, 422} <= seen


async def _status(visit: Visitor, *, path: str, body: bytes, headers: dict[str, str]) -> int:
    if headers.get("Authorization") == "Bearer valid":
        headers["Authorization"] = f"Bearer {visit.token}"
    try:
        async with visit.http.post(f"{visit.url}/{path}", data=body, headers=headers) as response:
            text = await response.text()
            assert "Traceback" not in text
            return response.status
    except aiohttp.ClientConnectionError as exc:  # the header itself is malformed
        pytest.fail(f"{path}: {exc}")
