"""Verification of callback requests."""

import itertools
import json
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from yarl import URL

from tests.unit.wechat.vectors import key_of, vector
from wxbus.errors import CallbackRejected, Forbidden, MalformedCallback
from wxbus.wechat.callbacks.crypto import CallbackCrypto
from wxbus.wechat.callbacks.keys import CallbackKey, Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents.codec import Format, document_to_json, parse, render

OLD = CallbackKey(token=SecretStr("old-token"), aes_key=SecretStr("O" * 43))
NEW = CallbackKey(token=SecretStr("new-token"), aes_key=SecretStr("N" * 43))
PLAIN_ONLY = CallbackKey(token=SecretStr("plain-token"))
TIME, NONCE, APPID = "1714112445", "415670741", "wxba5fad812f8e6fb9"
DOCUMENT = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "1", "MsgType": "text", "Content": "hi"}


def secure_query(encrypted: str, key: CallbackKey = NEW, **change: str) -> CallbackQuery:
    """Return WeChat's query for `encrypted`."""
    token = key.token.get_secret_value()
    query = CallbackQuery(
        signature=sign(token, TIME, NONCE),
        timestamp=TIME,
        nonce=NONCE,
        msg_signature=sign(token, TIME, NONCE, encrypted),
        encrypt_type="aes",
    )
    return replace(query, **change)


def plain_query(key: CallbackKey = NEW, **change: str) -> CallbackQuery:
    """Return WeChat's query for a plain body."""
    query = CallbackQuery(signature=sign(key.token.get_secret_value(), TIME, NONCE), timestamp=TIME, nonce=NONCE)
    return replace(query, **change)


def encrypt(document: dict[str, Any] | bytes, key: CallbackKey = NEW, form: Format = Format.XML) -> str:
    """Return the Encrypt text of a document."""
    assert key.aes_key is not None
    plaintext = document if isinstance(document, bytes) else render(document, form)
    return Cipher(key.aes_key.get_secret_value(), APPID).encrypt(plaintext)


QUERIES = st.lists(st.sampled_from(["signature", "nonce", "echostr", "=", "&", "a", "%41", "+", "你", ";", "x=1"]))


@given(QUERIES.map("".join))
def test_a_query_without_escapes_is_read_as_any_other(raw: str) -> None:
    """What is read without unescaping is what the server's own reader finds: of repeated parameters the first."""
    found, url = CallbackQuery.unescaped(raw), URL.build(path="/", query_string=raw, encoded=True)
    assert found is None or found == CallbackQuery.from_mapping(url.query)
    assert (found is None) == ("%" in raw or "+" in raw)


def crypto(
    *keys: CallbackKey, modes: tuple[Mode, ...] = (Mode.SECURE,), formats: tuple[str, ...] = ("xml", "json")
) -> CallbackCrypto:
    """Return the callback crypto of the test's account."""
    return CallbackCrypto(keys or (NEW,), APPID, modes, formats)


def vector_query(example: dict[str, Any], **change: str) -> CallbackQuery:
    """Return the query of a test vector."""
    query = CallbackQuery(
        timestamp=example["timestamp"],
        nonce=example["nonce"],
        msg_signature=example["msg_signature"],
        encrypt_type="aes",
    )
    return replace(query, **change)


@pytest.mark.parametrize(
    ("name", "form"), [("A3", Format.JSON), ("A5", Format.XML), ("A7", Format.XML), ("T2", Format.XML)]
)
def test_opens_the_official_examples(name: str, form: Format) -> None:
    """A test vector in secure mode opens to its plaintext and format."""
    example = vector(name)
    body = render({"ToUserName": "gh_1", "Encrypt": example["encrypt"]}, form)
    opened = CallbackCrypto([key_of(example)], example["receive_id"], [Mode.SECURE], [form]).open(
        vector_query(example), body
    )
    assert opened.document == parse(example["plaintext"].encode())
    assert (opened.format, opened.mode, opened.key) == (form, Mode.SECURE, key_of(example))


def test_compatible_mode_uses_only_the_encrypted_fields() -> None:
    """In compatible mode only the decrypted fields are used, because the plain fields are not signed."""
    example = vector("C1")
    body = render(
        {"FromUserName": "forged", "MsgType": "text", "Content": "forged", "Encrypt": example["encrypt"]}, Format.XML
    )
    opened = CallbackCrypto([key_of(example)], example["receive_id"], [Mode.COMPATIBLE], ["xml"]).open(
        vector_query(example), body
    )
    assert opened.mode is Mode.COMPATIBLE
    assert opened.document == parse(example["plaintext"].encode())
    assert "forged" not in document_to_json(opened.document).decode()


@pytest.mark.parametrize("form", Format)
def test_opens_a_plain_push(form: Format) -> None:
    """Plain mode needs no AES key; the signature is checked."""
    opened = crypto(PLAIN_ONLY, modes=(Mode.PLAIN,)).open(plain_query(PLAIN_ONLY), render(DOCUMENT, form))
    assert (opened.document, opened.format, opened.mode) == (DOCUMENT, form, Mode.PLAIN)


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize(("accepted", "sent"), [(a, s) for a, s in itertools.product(Mode, repeat=2) if a is not s])
def test_other_modes_are_rejected(accepted: Mode, sent: Mode, form: Format) -> None:
    """A signed push in a mode that the account does not accept is rejected: no downgrade."""
    encrypted = encrypt(DOCUMENT, form=form)
    query, body = {
        Mode.PLAIN: (plain_query(), DOCUMENT),
        Mode.COMPATIBLE: (secure_query(encrypted), DOCUMENT | {"Encrypt": encrypted}),
        Mode.SECURE: (secure_query(encrypted), {"ToUserName": "gh_1", "Encrypt": encrypted}),
    }[sent]
    crypto(modes=(sent,)).open(query, render(body, form))
    with pytest.raises(Forbidden):
        crypto(modes=(accepted,)).open(query, render(body, form))


GOOD = encrypt(DOCUMENT)
SECURE_BODY = render({"ToUserName": "gh_1", "Encrypt": GOOD}, Format.XML)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        pytest.param(secure_query(GOOD, msg_signature="0" * 40), SECURE_BODY, id="wrong msg_signature"),
        pytest.param(secure_query(GOOD, msg_signature=""), SECURE_BODY, id="no msg_signature"),
        pytest.param(secure_query(GOOD, encrypt_type=""), SECURE_BODY, id="no encrypt_type"),
        pytest.param(secure_query(GOOD, encrypt_type="raw"), SECURE_BODY, id="encrypt_type raw"),
        pytest.param(
            secure_query(GOOD, msg_signature=sign("new-token", TIME, NONCE)),
            SECURE_BODY,
            id="signature of a plain push",
        ),
        pytest.param(secure_query(GOOD, nonce="1"), SECURE_BODY, id="another nonce"),
        pytest.param(secure_query(GOOD, timestamp="1714112446"), SECURE_BODY, id="another timestamp"),
        pytest.param(secure_query(""), render(DOCUMENT, Format.XML), id="plain body"),
        pytest.param(secure_query(""), b"<xml><Encrypt></Encrypt></xml>", id="empty Encrypt"),
        pytest.param(
            secure_query(GOOD), f"<xml><Encrypt><a>{GOOD}</a></Encrypt></xml>".encode(), id="Encrypt is not text"
        ),
        pytest.param(
            secure_query(GOOD), f"<xml><Encrypt>{GOOD}</Encrypt><Encrypt>x</Encrypt></xml>".encode(), id="Encrypt twice"
        ),
        pytest.param(secure_query(GOOD, OLD), SECURE_BODY, id="unknown token"),
        pytest.param(plain_query(), render(DOCUMENT, Format.XML), id="plain push"),
        pytest.param(CallbackQuery(), SECURE_BODY, id="no query"),
    ],
)
def test_secure_mode_rejects(query: CallbackQuery, body: bytes) -> None:
    """Secure mode requires matching encrypt_type, msg_signature and Encrypt; all errors have the same text."""
    with pytest.raises(Forbidden) as caught:
        crypto().open(query, body)
    assert str(caught.value) == str(Forbidden("anything"))


@pytest.mark.parametrize(
    ("query", "body"),
    [
        pytest.param(plain_query(signature="0" * 40), render(DOCUMENT, Format.XML), id="wrong signature"),
        pytest.param(plain_query(signature=""), render(DOCUMENT, Format.XML), id="no signature"),
        pytest.param(plain_query(encrypt_type="aes"), render(DOCUMENT, Format.XML), id="encrypt_type alone"),
        pytest.param(plain_query(msg_signature="1"), render(DOCUMENT, Format.XML), id="msg_signature alone"),
        pytest.param(plain_query(), SECURE_BODY, id="encrypted body"),
        pytest.param(secure_query(GOOD), SECURE_BODY, id="secure push"),
    ],
)
def test_plain_mode_rejects(query: CallbackQuery, body: bytes) -> None:
    """Plain mode rejects unsigned and partly encrypted requests."""
    with pytest.raises(Forbidden):
        crypto(PLAIN_ONLY, NEW, modes=(Mode.PLAIN,)).open(query, body)


def test_a_message_for_another_appid_is_rejected() -> None:
    """A push encrypted for another appid with the same key is rejected by its receive id (vector A3)."""
    example = vector("A3")
    body = render({"Encrypt": example["encrypt"]}, Format.JSON)
    with pytest.raises(Forbidden):
        CallbackCrypto([key_of(example)], "wx134c8103faa5a59e", [Mode.SECURE], ["json"]).open(
            vector_query(example), body
        )


def test_format_must_be_accepted() -> None:
    """An account that accepts only XML rejects JSON; the error names the format."""
    with pytest.raises(MalformedCallback, match="JSON"):
        crypto(modes=(Mode.PLAIN,), formats=("xml",)).open(plain_query(), render(DOCUMENT, Format.JSON))


def test_signature_is_checked_before_a_plain_body_is_read() -> None:
    """An unsigned request gets no information about its body."""
    with pytest.raises(Forbidden):
        crypto(modes=(Mode.PLAIN,)).open(plain_query(signature=""), b"<xml><broken")


def test_broken_plaintext_is_malformed() -> None:
    """An encrypted text that is not a document is malformed, not forbidden."""
    encrypted = encrypt(b"<xml><broken")
    with pytest.raises(MalformedCallback):
        crypto().open(secure_query(encrypted), render({"Encrypt": encrypted}, Format.XML))


@pytest.mark.parametrize("key", [OLD, NEW])
def test_the_previous_key_is_accepted(key: CallbackKey) -> None:
    """Pushes with the previous key are opened; the result contains the matching key."""
    encrypted = encrypt(DOCUMENT, key)
    opened = crypto(NEW, OLD).open(secure_query(encrypted, key), render({"Encrypt": encrypted}, Format.XML))
    assert opened.key == key


def test_aes_key_may_change_alone() -> None:
    """Of two keys with the same token, the one with the matching AES key is found."""
    other = CallbackKey(token=NEW.token, aes_key=SecretStr("X" * 43))
    encrypted = encrypt(DOCUMENT, other)
    opened = crypto(NEW, other).open(secure_query(encrypted, other), render({"Encrypt": encrypted}, Format.XML))
    assert opened.key == other


@pytest.mark.parametrize("timestamp", ["", "x", "1714112445 ", "+1714112445", "１", "1" * 13, "-1"])
def test_timestamp_is_digits(timestamp: str) -> None:
    """A timestamp must be a number, even if it is signed: otherwise text can move between it and the nonce."""
    query = CallbackQuery(signature=sign("new-token", timestamp, NONCE), timestamp=timestamp, nonce=NONCE)
    with pytest.raises(Forbidden):
        crypto(modes=(Mode.PLAIN,)).open(query, render(DOCUMENT, Format.XML))


@pytest.mark.parametrize(("age", "accepted"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_time_window(age: int, accepted: bool) -> None:
    """A request outside of the time window is rejected; the limits are inside."""
    arguments = {"now": float(TIME) + age, "max_age": 300.0}
    account, query, body = crypto(modes=(Mode.PLAIN,)), plain_query(echostr="1"), render(DOCUMENT, Format.XML)
    if accepted:
        account.open(query, body, **arguments)
        account.verify_url(query, **arguments)
        return
    with pytest.raises(Forbidden):
        account.open(query, body, **arguments)
    with pytest.raises(Forbidden):
        account.verify_url(query, **arguments)


XPAY = DOCUMENT | {"MsgType": "event", "Event": "XPAY_goods_deliver_notify", "OutTradeNo": "1", "RetryTimes": "9"}

SHOP = DOCUMENT | {"MsgType": "event", "Event": "channels_ec_order_pay"}
GAME = DOCUMENT | {"MsgType": "event", "Event": "minigame_deliver_goods"}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("document", [XPAY, SHOP, GAME, DOCUMENT], ids=["xpay", "shop", "game", "text"])
@pytest.mark.parametrize(
    ("age", "in_time"), [(-301, False), (300, True), (301, False), (80_000, False), (90_000, False)]
)
def test_only_encrypted_retries_may_be_old(age: int, in_time: bool, document: dict[str, str], mode: Mode) -> None:
    """An old push that WeChat retries for hours is accepted if it is encrypted: a plain body is not signed."""
    encrypted = encrypt(document)
    query, body = {
        Mode.PLAIN: (plain_query(), document),
        Mode.COMPATIBLE: (secure_query(encrypted), document | {"Encrypt": encrypted}),
        Mode.SECURE: (secure_query(encrypted), {"Encrypt": encrypted}),
    }[mode]
    now = float(TIME) + age
    retried = document is not DOCUMENT and mode is not Mode.PLAIN and 0 < age < 86_400

    with nullcontext() if in_time or retried else pytest.raises(Forbidden):
        crypto(modes=(mode,)).open(query, render(body, Format.XML), now=now, max_age=300.0, repeat_age=86_400.0)


def test_plain_fields_do_not_extend_the_time_window() -> None:
    """The plain fields of compatible mode do not decide whether WeChat retries a push for hours."""
    encrypted = encrypt(DOCUMENT)
    body = render(XPAY | {"Encrypt": encrypted}, Format.XML)
    with pytest.raises(Forbidden):
        crypto(modes=(Mode.COMPATIBLE,)).open(
            secure_query(encrypted), body, now=float(TIME) + 301, max_age=300.0, repeat_age=86_400.0
        )


@given(st.integers(0, len(SECURE_BODY) - 1), st.integers(1, 255))
def test_a_changed_byte_is_detected(position: int, change: int) -> None:
    """A body with one changed byte is rejected, or opens to the same document."""
    body = bytearray(SECURE_BODY)
    body[position] ^= change
    try:
        opened = crypto().open(secure_query(GOOD), bytes(body))
    except CallbackRejected:
        return
    assert opened.document == DOCUMENT


def test_url_verification_of_the_official_example() -> None:
    """The response is the echostr in every mode."""
    example = vector("S1")
    query = CallbackQuery.from_mapping({name: example[name] for name in ("signature", "timestamp", "nonce", "echostr")})
    key = CallbackKey(token=SecretStr("AAAAA"))
    assert CallbackCrypto([key], "", [Mode.PLAIN], []).verify_url(query) == example["echostr"]


@pytest.mark.parametrize("change", [{"signature": "0" * 40}, {"signature": ""}, {"nonce": "1"}])
def test_url_verification_rejects_a_wrong_signature(change: dict[str, Any]) -> None:
    """A wrong signature gets no echostr (protocol reference 13, trap 2)."""
    with pytest.raises(Forbidden):
        crypto().verify_url(plain_query(echostr="1", **change))


def test_url_verification_without_echostr() -> None:
    """A signed request without an echostr is malformed."""
    with pytest.raises(MalformedCallback, match="echostr"):
        crypto().verify_url(plain_query())


def test_wecom_url_verification() -> None:
    """WeCom encrypts and signs the echostr; the response is its plaintext."""
    example = vector("W1")
    account = CallbackCrypto([key_of(example)], example["receive_id"], [], ["xml"], wecom=True)
    query = vector_query(example, echostr=example["encrypt"], encrypt_type="")
    assert account.verify_url(query) == example["plaintext"]
    for change in ({"msg_signature": "0" * 40}, {"echostr": ""}):
        with pytest.raises(Forbidden):
            account.verify_url(replace(query, **change))


@pytest.mark.parametrize(("form", "name"), [(Format.XML, "Encrypt"), (Format.JSON, "encrypt")])
def test_wecom_push(form: Format, name: str) -> None:
    """WeCom sends no encrypt_type, its robots send `encrypt` in lower case, and plain mode is rejected."""
    example = vector("W2")
    account = CallbackCrypto([key_of(example)], example["receive_id"], [Mode.PLAIN], ["xml", "json"], wecom=True)
    opened = account.open(vector_query(example, encrypt_type=""), render({name: example["encrypt"]}, form))
    assert opened.document == parse(example["plaintext"].encode())
    with pytest.raises(Forbidden):
        account.open(plain_query(key_of(example)), render(DOCUMENT, form))


@pytest.mark.parametrize("form", Format)
def test_sealed_reply_is_signed_and_encrypted(form: Format) -> None:
    """A sealed reply decrypts with the account's key; its TimeStamp is a bare number (protocol reference 2.1)."""
    sealed = crypto().seal(b"<xml></xml>", form, timestamp=1713424427, nonce=NONCE)
    outer = parse(sealed)
    assert outer["MsgSignature"] == sign("new-token", "1713424427", NONCE, str(outer["Encrypt"]))
    assert (outer["TimeStamp"], outer["Nonce"]) == ("1713424427", NONCE)
    assert Cipher("N" * 43, APPID).decrypt(str(outer["Encrypt"])) == b"<xml></xml>"
    bare = b"<TimeStamp>1713424427</TimeStamp>" if form is Format.XML else b'"TimeStamp":1713424427'
    assert bare in sealed


def test_seal_uses_the_given_key() -> None:
    """A reply is sealed with the current key or the given one; an unknown key is an error."""
    account = crypto(NEW, OLD)
    for key, used in ((None, NEW), (NEW, NEW), (OLD, OLD)):
        outer = parse(account.seal(b"{}", Format.JSON, timestamp=1, nonce="n", key=key))
        assert outer["MsgSignature"] == sign(used.token.get_secret_value(), "1", "n", str(outer["Encrypt"]))
    for unknown in (CallbackKey(token=SecretStr("x"), aes_key=SecretStr("x" * 43)), PLAIN_ONLY):
        with pytest.raises(ValueError, match="no AES key"):
            crypto(NEW, PLAIN_ONLY).seal(b"{}", Format.JSON, timestamp=1, nonce="n", key=unknown)


def test_unknown_query_parameters_are_ignored() -> None:
    """Unknown parameters are ignored; absent ones are empty."""
    query = CallbackQuery.from_mapping({"nonce": "n", "openid": "o1", "foo": "bar"})
    assert query == CallbackQuery(nonce="n")


def test_secrets_are_not_shown() -> None:
    """No repr contains a token or an AES key, and no error contains an invalid AES key."""
    shown = repr(NEW) + repr(crypto()) + repr(vars(crypto()))
    assert "new-token" not in shown
    assert "N" * 43 not in shown
    with pytest.raises(ValidationError) as caught:
        CallbackKey.model_validate({"token": "t", "aes_key": "hidden" + "+" * 37})
    assert "hidden" not in str(caught.value)


def test_json_and_xml_pushes_make_the_same_envelope_body() -> None:
    """The envelope body does not depend on the format of the push."""
    message = DOCUMENT | {"CreateTime": 1, "MsgId": 6074746557628292943}
    bodies = set()
    for form in Format:
        encrypted = encrypt(message, form=form)
        opened = crypto().open(secure_query(encrypted), render({"Encrypt": encrypted}, form))
        bodies.add(document_to_json(opened.document))
    assert bodies == {json.dumps({k: str(v) for k, v in message.items()}, separators=(",", ":")).encode()}
