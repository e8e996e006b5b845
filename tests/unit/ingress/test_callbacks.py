"""Callbacks that ingress accepts and refuses, over real HTTP."""

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.support.metrics import until_metric
from tests.support.pushes import AES_KEY, APPID, TOKEN, Push, a_push, a_text
from tests.unit.ingress.conftest import ACCOUNTS, ALL_MODES, Ingress
from wxbus.bus.envelope import EnvelopeKind
from wxbus.telemetry import trace_id
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format, document_from_json, render
from wxbus_ingress.settings import Limits

REFUSED = (403, "the signature is not valid\n")
OTHER_KEY = "OtherKeyOtherKeyOtherKeyOtherKeyOtherKeyOth"


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("mode", ALL_MODES)
async def test_every_mode_and_format_is_accepted(ingress: Ingress, mode: Mode, form: Format) -> None:
    """A signed push of an accepted mode and format is published, then answered "success"."""
    before = time.time()

    assert await ingress.post(a_push(mode=mode, format=form)) == (200, "success")

    [envelope] = ingress.publisher.published
    assert a_text() == document_from_json(envelope.body)
    assert (EnvelopeKind.CALLBACK, "any", APPID, "o_user", f"{APPID}:o_user", 1, False) == (
        envelope.kind,
        envelope.account,
        envelope.appid,
        envelope.openid,
        envelope.lane,
        envelope.attempt,
        envelope.replay,
    )
    assert envelope.dedup_id == f"{APPID}:m:o_user:23456789012345678"
    assert before <= envelope.received_at <= time.time()
    assert trace_id(envelope.traceparent)
    assert ingress.counted("any", "accepted") == 1


async def test_every_request_has_an_id_and_retries_share_a_dedup_id(ingress: Ingress) -> None:
    """WeChat's retry is a new request with the same `dedup_id`, by which the worker detects the duplicate."""
    for nonce in ("1", "2"):
        await ingress.post(a_push(nonce=nonce))

    first, second = ingress.publisher.published
    assert first.id != second.id
    assert first.dedup_id == second.dedup_id


async def test_a_plain_message_has_a_digest_of_its_signature(ingress: Ingress) -> None:
    """The digest cannot sign anything. Encrypted messages need none: their signature covers the body."""
    plain = a_push(mode=Mode.PLAIN)
    for push in (plain, plain, a_push(mode=Mode.PLAIN, nonce="2"), a_push(mode=Mode.COMPATIBLE), a_push()):
        await ingress.post(push)

    first, again, other, *sealed = (envelope.plain_signature for envelope in ingress.publisher.published)
    assert first is not None
    assert (first == again, first == other) == (True, False)
    assert plain.query["signature"] not in first
    assert sealed == [None, None]


@pytest.mark.parametrize("mode", ALL_MODES)
async def test_a_signature_is_valid_for_one_message(ingress: Ingress, mode: Mode) -> None:
    """The same request is accepted again as a duplicate; another body with its query is refused."""
    push, other = a_push(a_text("yes"), mode=mode), a_push(a_text("no", msg_id="1"), mode=mode)

    assert await ingress.post(push) == (200, "success")
    assert await ingress.post(push) == (200, "success")
    assert await ingress.post(Push(push.query, other.body)) == REFUSED

    first, second = ingress.publisher.published
    assert (first.dedup_id, first.body) == (second.dedup_id, second.body)
    assert first.id != second.id


@pytest.mark.parametrize("limits", [Limits(budget=2)])  # no answer arrives
async def test_a_repeat_after_hours_is_accepted(ingress: Ingress) -> None:
    """Virtual payment repeats for 18 hours, possibly with the first timestamp (protocol reference 4.4)."""
    document = {**a_text(), "MsgType": "event", "Event": "xpay_goods_deliver_notify", "OutTradeNo": "1"}
    hours_ago = int(time.time()) - 18 * 3600

    assert await ingress.post(a_push(document, timestamp=hours_ago)) == (200, "success")
    assert await ingress.post(a_push(document, timestamp=hours_ago, mode=Mode.PLAIN)) == REFUSED
    assert await ingress.post(a_push(timestamp=hours_ago)) == REFUSED


@pytest.mark.parametrize("limits", [Limits(budget=2)])  # no answer arrives
async def test_a_plain_repeat_may_have_another_repeat_count(ingress: Ingress) -> None:
    """Virtual payment counts its repeats in the body: the message must be the same, not every byte (4.2)."""
    event = {**a_text(), "MsgType": "event", "Event": "xpay_coin_pay_notify", "OutTradeNo": "1"}
    first, second = (a_push({**event, "RetryTimes": times}, mode=Mode.PLAIN) for times in "01")

    assert await ingress.post(first) == (200, "success")
    assert await ingress.post(Push(first.query, second.body)) == (200, "success")


async def test_a_system_event_has_a_lane_and_no_user(ingress: Ingress) -> None:
    """An event without a user as its sender gets the lane of its business id (protocol reference 4.2)."""
    event = {**a_text(), "MsgType": "event", "Event": "wxa_media_check", "trace_id": "t1"}
    await ingress.post(a_push(event))

    [envelope] = ingress.publisher.published
    assert (None, f"{APPID}:t1") == (envelope.openid, envelope.lane)


async def test_plain_fields_beside_encrypt_are_ignored(ingress: Ingress) -> None:
    """Fields next to `Encrypt` are not covered by the signature (protocol reference 1.4)."""
    push = a_push(a_text("signed"), mode=Mode.COMPATIBLE)
    forged = Push(push.query, push.body.replace(b"<![CDATA[signed]]>", b"<![CDATA[forged]]>"))

    assert await ingress.post(forged) == (200, "success")
    assert document_from_json(ingress.publisher.published[0].body)["Content"] == "signed"


def wrong(push: Push) -> list[Push]:
    """Return pushes that differ from `push` in one thing each, none of which WeChat signed."""
    return [
        push.but(signature="0" * 40, msg_signature="0" * 40),
        push.but(nonce="other"),
        push.but(timestamp=str(int(push.query["timestamp"]) + 1)),
        push.but(timestamp=None),
        push.but(timestamp="-1"),
        push.but(signature=None, msg_signature=None),
        push.but(signature="é" * 40, msg_signature="é" * 40),
    ]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("mode", ALL_MODES)
async def test_a_wrong_signature_is_refused(ingress: Ingress, mode: Mode, number: int) -> None:
    """A push that is not signed with the account's token gets 403, in one line, and is not published."""
    assert await ingress.post(wrong(a_push(mode=mode))[number]) == REFUSED
    assert not ingress.publisher.published
    assert ingress.counted("any", "rejected") == 1


def with_encrypted(text: str, *, receive_id: str) -> Push:
    """A push whose encrypted text, though signed, is not what the account's key makes."""
    push = a_push(receive_id=receive_id)
    signature = sign(TOKEN, push.query["timestamp"], push.query["nonce"], text)
    return Push({**push.query, "msg_signature": signature}, render({"Encrypt": text}, Format.XML))


@pytest.mark.parametrize(
    ("account", "made"),
    [
        ("shop", lambda: a_push(mode=Mode.PLAIN)),
        ("shop", lambda: a_push(mode=Mode.PLAIN).but(encrypt_type="aes")),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop", mode=Mode.COMPATIBLE)),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop").but(msg_signature=None)),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop").but(encrypt_type=None, msg_signature=None)),
        ("shop", lambda: a_push(receive_id="wx-another")),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop", aes_key=OTHER_KEY)),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop", token="other")),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop", timestamp=int(time.time()) - 3000)),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop", timestamp=int(time.time()) + 3000)),
        ("plain", lambda: a_push(receive_id=f"{APPID}-plain")),
        ("keyless", lambda: a_push(mode=Mode.PLAIN)),
        ("corp", lambda: a_push(mode=Mode.PLAIN)),
        ("corp", lambda: a_push(receive_id=APPID)),
        ("shop", lambda: a_push(receive_id=f"{APPID}-shop").but(msg_signature="0" * 40)),
        ("shop", lambda: with_encrypted("", receive_id=f"{APPID}-shop")),
        ("shop", lambda: with_encrypted("not base64!", receive_id=f"{APPID}-shop")),
        ("shop", lambda: with_encrypted("AAAA", receive_id=f"{APPID}-shop")),
        ("shop", lambda: with_encrypted(b64encode(bytes(64)).decode(), receive_id=f"{APPID}-shop")),
        ("platform", lambda: a_push(receive_id="wxauthorizer")),
        ("platform/wxauthorizer", lambda: a_push(receive_id="wxauthorizer")),
    ],
)
async def test_all_cryptographic_failures_have_the_same_answer(
    ingress: Ingress, account: str, made: Callable[[], Push]
) -> None:
    """Downgrade, wrong key, damage, wrong receive id and age have equal answers, so there is no oracle."""
    expected = await ingress.answer_to(a_push(receive_id=f"{APPID}-shop").but(nonce="1"), account="shop")
    with capture_logs() as logs:
        answer = await ingress.answer_to(made(), account=account)

    assert answer == expected
    assert (answer[0], answer[2].decode()) == REFUSED
    [line] = [line for line in logs if line["event"] == "callback.rejected"]
    assert (account, 403, "POST") == (line["account"], line["status"], line["method"])
    assert line["reason"] not in {"", "the signature is not valid"}
    assert not ingress.publisher.published


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<xml>",
        b"<html></html>",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><MsgType>&a;</MsgType></xml>',
        b"<xml>" + b"<a>" * 100 + b"</a>" * 100 + b"</xml>",
        b'{"a": 1,}',
        b'{"a": NaN}',
        b'{"a":' * 100 + b"1" + b"}" * 100,
        b"[1]",
    ],
)
@pytest.mark.parametrize("mode", [Mode.PLAIN, Mode.SECURE])
async def test_a_malformed_body_is_refused(ingress: Ingress, mode: Mode, body: bytes) -> None:
    """A signed body that is neither XML nor JSON of WeChat's shape gets 400 and one line with the reason."""
    status, text = await ingress.post(a_push(body, mode=mode))

    assert status == 400
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert not ingress.publisher.published


async def test_a_format_that_the_account_does_not_accept_is_refused(ingress: Ingress) -> None:
    """An account with XML only refuses JSON."""
    push = a_push(format=Format.JSON, receive_id=f"{APPID}-xmlonly")

    assert await ingress.post(push, account="xmlonly") == (400, "this account does not accept JSON\n")


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    """Yield the body in chunks, without its length."""
    for start in range(0, len(body), 1000):
        yield body[start : start + 1000]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(ingress: Ingress, chunked: bool) -> None:
    """A body over the limit gets 413, with or without a length in its header."""
    push = a_push(b"<xml>" + b" " * 20_000 + b"</xml>", mode=Mode.PLAIN)
    data = chunks(push.body) if chunked else push.body
    async with ingress.http.post(f"{ingress.url}/wechat/any", params=push.query, data=data) as answer:
        assert answer.status == 413
        assert await answer.text() == "the body is over the limit of 20000 bytes\n"
    assert not ingress.publisher.published


async def test_a_chunked_body_under_the_limit_is_accepted(ingress: Ingress) -> None:
    """The transfer coding makes no difference."""
    push = a_push()
    async with ingress.http.post(f"{ingress.url}/wechat/any", params=push.query, data=chunks(push.body)) as answer:
        assert (answer.status, await answer.text()) == (200, "success")


async def raw(ingress: Ingress, *parts: bytes) -> bytes:
    """Send bytes and return everything that arrives until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("limits", [Limits(body_timeout=0.2)])
async def test_a_slow_body_is_refused(ingress: Ingress) -> None:
    """A body that does not arrive in time gets 408, and the connection is closed."""
    answer = await raw(ingress, b"POST /wechat/any HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<xml>")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"the body did not arrive within 0.2 s\n")


async def test_a_body_that_ends_early_is_refused(ingress: Ingress) -> None:
    """A client that disconnects in the middle of its body causes a warning, not an error."""
    with capture_logs() as logs:
        _, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
        writer.write(b"POST /wechat/any HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<xml>")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await until_metric(ingress.registry, "wxbus_ingress_requests_total", 1, account="any", outcome="rejected")

    [line] = logs
    assert (line["event"], line["reason"]) == ("callback.rejected", "the body ended early or contradicts its header")


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /wechat/any?signature=hunter2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nhunter2\r\n",
        b"hunter2\r\n\r\n",
        b"GET / HTTP/1.1\r\nhunter2\r\n\r\n",
    ],
)
async def test_malformed_http_is_refused(ingress: Ingress, request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A malformed request gets 400, and its bytes, which may contain a signature, are not logged."""
    answer = await raw(ingress, request_)

    assert answer.split()[1] == b"400"
    assert "hunter2" not in caplog.text
    assert "Traceback" not in caplog.text
    assert not ingress.publisher.published


async def test_a_compressed_body_is_not_decompressed(ingress: Ingress) -> None:
    """The body is used as it arrives, so a compressed one cannot expand."""
    push = a_push(mode=Mode.PLAIN)
    async with ingress.http.post(
        f"{ingress.url}/wechat/any", params=push.query, data=push.body, headers={"Content-Encoding": "gzip"}
    ) as answer:
        assert answer.status == 200


async def test_a_trailing_slash_is_ignored(ingress: Ingress) -> None:
    """An address with a trailing slash belongs to the same account."""
    assert await ingress.post(a_push(), account="any/") == (200, "success")
    assert ingress.counted("any", "accepted") == 1


@pytest.mark.parametrize("place", ["unknown", "any//", f"any/{APPID}", "platform/a/b", "unknown/wx1", "unknown/"])
async def test_an_unknown_account_is_refused(ingress: Ingress, place: str) -> None:
    """An address without an account gets 404, whatever the body."""
    assert await ingress.post(a_push(), account=place) == (404, "there is no account of this name\n")
    assert ingress.counted("", "rejected") == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "PROPFIND"])
async def test_a_wrong_method_is_refused(ingress: Ingress, method: str) -> None:
    """Methods that WeChat does not use get 405 with a list of the others."""
    async with ingress.http.request(method, f"{ingress.url}/wechat/any") as answer:
        assert answer.status == 405
        assert "POST" in answer.headers["Allow"]
        assert await answer.text() == "callbacks are POST, URL verification is GET\n"


async def test_options_lists_the_methods(ingress: Ingress) -> None:
    """OPTIONS is answered without a body."""
    async with ingress.http.options(f"{ingress.url}/wechat/any") as answer:
        assert (answer.status, answer.headers["Allow"], await answer.text()) == (204, "GET, HEAD, OPTIONS, POST", "")


@pytest.mark.parametrize("path", ["/", "/wechat", "/wechat/", "/metrics", "/healthz"])
async def test_the_public_port_has_callbacks_only(ingress: Ingress, path: str) -> None:
    """Other paths get 404 in one line; health and metrics are on the admin port."""
    async with ingress.http.get(ingress.url + path) as answer:
        assert (answer.status, await answer.text()) == (404, "not found: callbacks go to /wechat/ACCOUNT\n")


async def test_without_the_broker_the_answer_is_never_success(ingress: Ingress) -> None:
    """A callback without a confirm gets 503 and one line without details."""
    ingress.publisher.unavailable = True
    with capture_logs() as logs:
        status, text = await ingress.post(a_push())

    assert (status, text) == (503, "not accepted: the message queue is unavailable, please send it again\n")
    [line] = [line for line in logs if line["event"] == "callback.unavailable"]
    assert "no answer in time" in line["reason"]
    assert ingress.counted("any", "unavailable") == 1
    assert ingress.counted("any", "accepted") == 0


async def test_an_unexpected_error_does_not_show(ingress: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is 500 in one line; its traceback is only in the log."""
    error = LookupError("hunter2")

    async def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ingress.publisher, "publish", broken)
    with capture_logs() as logs:
        assert await ingress.post(a_push()) == (500, "not accepted: internal error, please send it again\n")

    assert [line["exc_info"] for line in logs if line["event"] == "callback.failed"] == [error]


@pytest.mark.parametrize("account", ["any", "shop", "plain"])
async def test_url_verification_returns_the_echo(ingress: Ingress, account: str) -> None:
    """A signed GET is answered with the raw echostr and nothing else (protocol reference 1.2)."""
    query = a_push().query
    query["echostr"] = "echo<b>&1"
    async with ingress.http.get(f"{ingress.url}/wechat/{account}", params=query) as answer:
        assert (answer.status, await answer.text(), answer.content_type) == (200, "echo<b>&1", "text/plain")
    assert ingress.counted(account, "verified") == 1


async def test_wecom_verification_returns_the_decrypted_echo(ingress: Ingress) -> None:
    """WeCom's echostr is encrypted and covered by the signature (protocol reference 1.6)."""
    echo, now = Cipher(AES_KEY, f"{APPID}-corp").encrypt(b"1616140317555161061"), str(int(time.time()))
    query = {"timestamp": now, "nonce": "n", "echostr": echo, "msg_signature": sign(TOKEN, now, "n", echo)}
    async with ingress.http.get(f"{ingress.url}/wechat/corp", params=query) as answer:
        assert (answer.status, await answer.text()) == (200, "1616140317555161061")


@pytest.mark.parametrize(
    ("account", "change", "expected"),
    [
        ("any", {"signature": "0" * 40}, 403),
        ("any", {"timestamp": "1"}, 403),
        ("any", {"echostr": None}, 400),
        ("keyless", {}, 403),
        ("unknown", {}, 404),
    ],
)
async def test_a_wrong_verification_is_refused(
    ingress: Ingress, account: str, change: dict[str, str | None], expected: int
) -> None:
    """The echo is never returned unverified."""
    query = a_push(mode=Mode.PLAIN).but(**{"echostr": "echo", **change}).query
    async with ingress.http.get(f"{ingress.url}/wechat/{account}", params=query) as answer:
        assert expected == answer.status
        assert "echo" not in (await answer.text()).split()


@pytest.mark.parametrize("account", [account.name for account in ACCOUNTS])
async def test_a_browser_gets_a_page_without_secrets(ingress: Ingress, account: str) -> None:
    """In a browser the address shows a page without secrets and without a valid signature."""
    query = {"timestamp": str(int(time.time())), "nonce": "n"}
    async with ingress.http.get(f"{ingress.url}/wechat/{account}", params=query) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert account in text
    assert "The account is configured" in text
    for secret in (TOKEN, AES_KEY, APPID, sign(TOKEN, query["timestamp"], query["nonce"])):
        assert secret not in text
    assert ingress.counted(account, "page") == 1


async def test_a_browser_gets_a_page_for_an_unknown_account(ingress: Ingress) -> None:
    """The page of an unknown address does not repeat the address."""
    async with ingress.http.get(f"{ingress.url}/wechat/<script>") as answer:
        text = await answer.text()
        assert answer.status == 404
    assert "There is no account of this name" in text
    assert "script" not in text


async def test_head_has_no_body(ingress: Ingress) -> None:
    """HEAD, which monitors use, gets the page's status."""
    async with ingress.http.head(f"{ingress.url}/wechat/any") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_no_answer_or_log_shows_a_secret(ingress: Ingress) -> None:
    """Answers to refused requests and their log lines contain no key, signature or message."""
    secret_text = "my very private message"
    pushes = [push for mode in ALL_MODES for push in wrong(a_push(a_text(secret_text), mode=mode))]
    pushes += [a_push(secret_text.encode()), a_push(a_text(secret_text), receive_id="wx-another")]
    expected = {sign(TOKEN, push.query.get("timestamp", ""), push.query["nonce"]) for push in pushes}
    with capture_logs() as logs:
        answers = [await ingress.post(push) for push in pushes]

    shown = repr(answers) + repr(logs)
    for secret in {TOKEN, AES_KEY, secret_text, *expected}:
        assert secret not in shown


mutations = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "double"]), st.integers(0, 10**6), st.binary(max_size=12)),
    min_size=1,
    max_size=4,
)


def mutated(body: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """Return `body` after some damage."""
    for kind, where, what in changes:
        at = where % (len(body) + 1)
        if kind == "flip" and body:
            at = where % len(body)
            body = body[:at] + bytes([body[at] ^ (what[0] if what else 1)]) + body[at + 1 :]
        elif kind == "cut":
            body = body[:at]
        elif kind == "insert":
            body = body[:at] + what + body[at:]
        else:
            body = body[:at] + body[at // 2 :]
    return body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(ALL_MODES),
    form=st.sampled_from(Format),
    changes=mutations,
    inside=st.booleans(),
    content=st.text(max_size=50),
)
async def test_no_body_causes_a_5xx(
    ingress: Ingress, mode: Mode, form: Format, changes: list[tuple[str, int, bytes]], inside: bool, content: str
) -> None:
    """Bodies that are damaged before or after signing are accepted or refused, never a 5xx."""
    push = a_push(a_text(content), mode=mode, format=form)
    if inside:
        push = a_push(mutated(a_push(a_text(content), mode=Mode.PLAIN, format=form).body, changes), mode=mode)
    else:
        push = Push(push.query, mutated(push.body, changes))

    status, _ = await ingress.post(push)

    assert status in {200, 400, 403, 413}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["FromUserName", "MsgType", "Event", "CreateTime", "MsgId", "List", "Encrypt", "x"]),
                inner,
                max_size=5,
            )
        ),
        max_leaves=8,
    )
)
async def test_no_json_document_causes_a_5xx(ingress: Ingress, document: object) -> None:
    """Signed JSON of any shape is accepted or refused, never a 5xx."""
    status, _ = await ingress.post(a_push(json.dumps(document).encode(), format=Format.JSON))

    assert status in {200, 400}
