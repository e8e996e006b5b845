"""Random bodies and headers: the service answers 200 or 4xx with a problem document, never 5xx."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgpack
import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pamqp.commands import Basic
from pydantic import SecretStr

from tests.integration.token.test_authorisation import EVERY_METHOD
from tests.support.sizes import soak
from tests.support.token_service import SHOP, Place, service
from wxbus.bus.amqp.connection import address, connected, open_channel
from wxbus.bus.amqp.declare import declare_queue
from wxbus.bus.passive_answer import REPLY_TO
from wxbus.bus.topology import Topology
from wxbus.rpc.codec.formats import standard_formats
from wxbus_token.settings import CallsSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

ANSWERED_WITHIN = 20.0
"""Seconds; a missing answer fails the test."""

FUZZED = settings(
    max_examples=soak(150, 40),
    derandomize=True,  # all runs use the same examples
    deadline=None,
    # All examples use the same service, which must survive them.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TYPES = [name for known in standard_formats() for name in known.content_types]

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(SHOP)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
TOKEN_FIELDS = ("appid", "token", "access_token", "__class__", "")
OTHER_FIELDS = (
    *("appid", "name", "kind", "secret", "value", "scopes", "lifetime", "subject", "overlap", "key"),
    *("ticket", "created_at", "authorization_code", "authorizer_appid"),
)
LIKELY = st.sampled_from(["official_account", "jsapi_ticket", "reports", ["token:get:*"], 1])
REQUESTS = st.fixed_dictionaries({}, optional=dict.fromkeys(TOKEN_FIELDS, VALUES)) | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(OTHER_FIELDS, VALUES | LIKELY)
)


def packed(value: Any) -> bytes:
    """Return the value as MessagePack, or malformed bytes if MessagePack cannot hold it."""
    try:
        made: bytes = msgpack.packb(value, unicode_errors="surrogatepass")
    except (OverflowError, ValueError):
        return b"\xc1"
    return made


def as_xml(values: dict[str, Any]) -> bytes:
    """Return the values in the form of an XML document."""
    return f"<xml>{''.join(f'<{name}>{value}</{name}>' for name, value in values.items())}</xml>".encode(
        errors="surrogatepass"
    )


BODIES = (
    st.binary(max_size=200)
    | REQUESTS.map(lambda value: json.dumps(value).encode())
    | REQUESTS.map(packed)
    | REQUESTS.map(as_xml)
    | REQUESTS.map(lambda value: urlencode(value, errors="surrogatepass").encode())
)
ENCODED = st.tuples(BODIES, st.sampled_from([None, "gzip", "gzip", "br", "identity"]), st.booleans()).map(
    lambda drawn: (gzip.compress(drawn[0]) if drawn[1] == "gzip" and drawn[2] else drawn[0], drawn[1])
)
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
CONTENT_TYPES = st.sampled_from(TYPES) | HEADER.filter(bool)
ACCEPTS = st.none() | st.sampled_from([*TYPES, "*/*", "text/*;q=0.3", "application/*;q=x", ";;,,=;q="]) | HEADER
METHODS = st.sampled_from(sorted(path.removeprefix("token/") for path in EVERY_METHOD if path.startswith("token/")))
PATHS = st.sampled_from(sorted(EVERY_METHOD))


@pytest.fixture
async def url(place: Place, amqp_url: str, topology: Topology) -> AsyncIterator[str]:
    """Yield the address of a running service with both transports."""
    calls = CallsSettings(amqp_url=SecretStr(amqp_url), namespace=topology.namespace)
    async with service(place.settings.model_copy(update={"calls": calls, "rate_limit": 0.0})) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield an HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@FUZZED
@given(path=PATHS, encoded=ENCODED, content_type=CONTENT_TYPES, accept=ACCEPTS)
async def test_over_http(
    place: Place,
    url: str,
    http: aiohttp.ClientSession,
    path: str,
    encoded: tuple[bytes, str | None],
    content_type: str,
    accept: str | None,
) -> None:
    """Any request with a valid key is answered."""
    body, encoding = encoded
    headers = {"Authorization": f"Bearer {place.admin_key}", "Content-Type": content_type}
    headers |= {"Accept": accept} if accept is not None else {}
    headers |= {"Content-Encoding": encoding} if encoding is not None else {}
    async with http.post(f"{url}/rpc/{path}", data=body, headers=headers) as answer:
        text = await answer.read()
        assert answer.status == 200 or 400 <= answer.status < 500, text
        if answer.status != 200:
            assert answer.content_type == "application/problem+json"
            assert json.loads(text)["status"] == answer.status


@pytest.fixture
async def ask(amqp_url: str, topology: Topology) -> AsyncIterator[Any]:
    """Yield a function that puts a raw request into the service's queue and returns the answer."""
    queue = topology.rpc_queue("token")
    answers: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    async with connected(address(amqp_url, name="fuzz"), timeout=60.0) as connection:
        channel = await open_channel(connection)
        await channel.basic_consume(REPLY_TO, answers.put, no_ack=True)
        await declare_queue(connection, queue)  # the service may start later

        async def send(body: bytes, **properties: Any) -> DeliveredMessage:
            request = Basic.Properties(reply_to=REPLY_TO, **properties)
            await channel.basic_publish(body, routing_key=queue.name, properties=request)
            async with asyncio.timeout(ANSWERED_WITHIN):
                return await answers.get()

        yield send


@FUZZED
@given(method=METHODS | HEADER, encoded=ENCODED, content_type=CONTENT_TYPES, accept=ACCEPTS | st.integers(0, 9))
@pytest.mark.usefixtures("url")
async def test_over_amqp(
    place: Place,
    ask: Any,
    method: str,
    encoded: tuple[bytes, str | None],
    content_type: str,
    accept: str | int | None,
) -> None:
    """Any message in the queue with a valid key is answered."""
    body, encoding = encoded
    answer = await ask(
        body,
        message_type=method,
        content_type=content_type,
        content_encoding=encoding,
        headers={"authorization": f"Bearer {place.admin_key}", "accept": accept},
    )
    status = answer.header.properties.headers["status"]
    assert status == 200 or 400 <= status < 500, answer.body
