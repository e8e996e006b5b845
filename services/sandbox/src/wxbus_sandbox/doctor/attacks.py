"""Forged pushes that the server must refuse, and documents that it must survive (protocol reference 1.5, 13)."""

from collections.abc import AsyncGenerator
from typing import Final

from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.doctor.address import describe
from wxbus_sandbox.doctor.findings import Finding, failure, ok, skipped, warning
from wxbus_sandbox.doctor.messages import judged
from wxbus_sandbox.doctor.target import Signed, Target
from wxbus_sandbox.models import Outcome
from wxbus_sandbox.pushes.exchange import Exchange

DAY: Final = 86400.0
LAUGHS: Final = 9
"""Levels of entities, each with ten of the one below: a billion in the text."""
DEPTH: Final = 20_000
LARGE: Final = 5 * 1024 * 1024
"""Bytes; WeChat's pushes have a few KB."""
EXPANDED: Final = "wxbus-doctor-entity"
INTERNALS: Final = ("Traceback (most recent call last)", "at java.", "Stack trace:", "Fatal error:")


async def check_forgeries(target: Target) -> AsyncGenerator[Finding]:
    """Check that the server refuses pushes that WeChat did not sign, or signed for another account."""
    push = target.text("wxbus doctor: a forgery")
    good = target.seal(push)
    name = "signature" if target.mode is Mode.PLAIN else "msg_signature"
    wrong = sign("another token", good.query["timestamp"], good.query["nonce"])
    first = await target.post(good.changed(**{name: wrong}))
    yield _refused(target, "wrong signature", first)
    yield _refused(target, "no signature", await target.post(good.changed(**{name: None})))
    if target.mode is not Mode.PLAIN:
        for finding in [await _plain(target), await _tampered(target), await _foreign(target)]:
            yield finding
    old = await target.post(target.seal(push, age=10 * DAY))
    if old.status == 200 and judged(target, push, old).outcome.settled:
        text = "accepted: an attacker can replay a recorded push; WeChat names no limit, five minutes are enough"
        yield warning("push of ten days ago", text, old.ms)
    else:
        yield ok("push of ten days ago", f"refused, {describe(old)}", old.ms)
    yield _internals(target, first)


async def check_bombs(target: Target) -> AsyncGenerator[Finding]:
    """Check that the server survives documents that expand, nest deeply, are large, or refer to files."""
    if target.form is Format.XML:
        entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, LAUGHS + 1))
        bomb = _xml(target, f'<!DOCTYPE xml [<!ENTITY l0 "ha">{entities}]>', f"&l{LAUGHS};")
        yield await _survived(target, "XML bomb", await target.post(target.seal(bomb)))
        if target.mode is not Mode.PLAIN:
            sealed = target.seal(target.text("x"))
            yield await _survived(target, "XML bomb around the message", await target.post(Signed(sealed.query, bomb)))
        entity = _xml(target, f'<!DOCTYPE xml [<!ENTITY e "{EXPANDED}">]>', "&e;")
        yield _expanded(target, "XML entity", await target.post(target.seal(entity)), EXPANDED)
        file = _xml(target, '<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;")
        yield _expanded(target, "XML entity of a file", await target.post(target.seal(file)), "root:")
        nested = codec.render(target.text("x"), Format.XML).replace(
            b"</xml>", b"<a>" * DEPTH + b"</a>" * DEPTH + b"</xml>"
        )
    else:
        nested = codec.render(target.text("x"), Format.JSON)[:-1] + b',"a":' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    yield await _survived(target, "deep document", await target.post(target.seal(nested)))
    large = await target.post(target.seal(target.text("x" * LARGE)))
    alive = await _survived(target, "large document", large)
    accepted = large.status == 200
    yield warning("large document", f"{LARGE >> 20} MiB are read; 1 MiB is enough", large.ms) if accepted else alive


async def _plain(target: Target) -> Finding:
    """Push in plain mode with a valid signature; an attacker can reuse the parameters of a recorded push."""
    if target.is_wecom:
        return skipped("downgrade to plain mode", "WeCom has no plain mode")
    push = target.text("wxbus doctor: a downgrade")
    response = await target.post(Signed(target.signed(), codec.render(push, target.form)))
    return _refused(target, "downgrade to plain mode", response)


async def _tampered(target: Target) -> Finding:
    sealed = target.seal(target.text("wxbus doctor: tampered"))
    other = codec.parse(target.seal(target.text("wxbus doctor: other")).body)
    return _refused(
        target, "changed ciphertext", await target.post(Signed(sealed.query, codec.render(other, target.form)))
    )


async def _foreign(target: Target) -> Finding:
    sealed = target.seal(target.text("wxbus doctor: foreign"), receive_id="wx0f0f0f0f0f0f0f0f")
    return _refused(target, "push for another appid", await target.post(sealed))


def _refused(target: Target, check: str, response: Exchange) -> Finding:
    if response.status is None or response.status >= 500:
        return warning(check, f"{describe(response)}; answer 403", response.ms)
    if response.status != 200:
        return ok(check, f"refused, {describe(response)}", response.ms)
    outcome = judged(target, target.text(""), response).outcome
    if outcome is Outcome.ACKNOWLEDGED:
        return failure(
            check, "answered like a valid push: it is not checked, or the refusal cannot be seen", response.ms
        )
    if outcome.settled or b"<MsgType>" in response.body or b"Encrypt" in response.body:
        return failure(check, "replied to: an attacker can write in the name of a user", response.ms)
    return warning(check, f"status 200 with {response.text[:40]!r}; answer 403", response.ms)


def _internals(target: Target, response: Exchange) -> Finding:
    check = "text of refusals"
    if target.encoder.token in response.text and len(target.encoder.token) >= 3:
        return failure(check, "contains the token", response.ms)
    if any(sign_ in response.text for sign_ in INTERNALS):
        return warning(check, "shows a traceback", response.ms)
    return ok(check, "shows no secrets and no traceback", response.ms)


async def _survived(target: Target, check: str, response: Exchange) -> Finding:
    """Return a failure if the response took too long, or the server does not answer afterwards."""
    if response.failure.startswith("no complete response"):
        return failure(check, f"{response.failure}: one request stops the server", response.ms)
    if response.status is not None and response.status >= 500:
        return warning(check, f"{describe(response)}; refuse it with 400", response.ms)
    query, echo = target.encoder.verification(now=float(target.signed()["timestamp"]))
    after = await target.call("GET", query)
    if after.status != 200 or echo.encode() not in after.body:
        return failure(check, f"the server does not answer afterwards: {describe(after)}", response.ms)
    return ok(check, f"survived, {describe(response)}", response.ms)


def _expanded(target: Target, check: str, response: Exchange, trace: str) -> Finding:
    reply = (judged(target, target.text(""), response).reply or {}) if response.status == 200 else {}
    if trace in response.text or trace in str(reply):
        return failure(check, "the reply contains its text: the parser expands entities", response.ms)
    if response.status == 200:
        return warning(check, "a document with a DTD is accepted; WeChat sends none, refuse it", response.ms)
    return ok(check, f"refused, {describe(response)}", response.ms)


def _xml(target: Target, doctype: str, content: str) -> bytes:
    document = codec.render({**target.text("CONTENT")}, Format.XML).decode()
    return doctype.encode() + document.replace("<![CDATA[CONTENT]]>", content).encode()
