"""The parser of WeChat's answers: whatever bytes arrive, there is an object, an errcode, or WeChatUnavailable."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wxbus.api.answers import SUCCESS, json_answer
from wxbus.errcodes import ERROR_CODES
from wxbus.errors import BadRequest, WeChatError, WeChatUnavailable

PATH = "/cgi-bin/some/endpoint"
SECRET = "91_a-secret-token"
KINDS = ("application/json", "text/plain", "text/html", "image/jpeg")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts.filter(lambda name: name not in {"errcode", "errmsg"}), values, max_size=4)


def parse(body: bytes, status: int = 200, content_type: str = "application/json") -> dict[str, Any]:
    """Return the object of an answer."""
    return json_answer(PATH, status, content_type, body, [SECRET])


@given(st.binary(max_size=200), st.sampled_from([200, 201, 302, 404, 429, 500, 502]), st.sampled_from(KINDS))
@example(b'{"errcode":true}', 200, KINDS[0])
@example(b'{"errcode":' + b"9" * 5000 + b"}", 200, KINDS[0])
@example(b'{"errcode":1e400}', 200, KINDS[0])
@example(b'{"errcode":NaN}', 200, KINDS[0])
@example(b'{"errcode":1,"errmsg":"\\ud800"}', 200, KINDS[0])
@example(b'{"a":"\\ud800"}', 200, KINDS[0])
@example(b"[" * 100_000, 200, KINDS[0])
@example(b'{"errcode":{"errcode":1}}', 200, KINDS[0])
@example(b"\xef\xbb\xbf\xef\xbb\xbf{}", 200, KINDS[0])
@example(b'{"errmsg":"%s"}' % SECRET.encode(), 500, KINDS[0])
def test_any_bytes_are_an_object_or_one_of_two_errors(body: bytes, status: int, content_type: str) -> None:
    """No other exception leaves the parser, and every error names the call and can be logged."""
    error, found = None, None
    try:
        found = parse(body, status, content_type)
    except (WeChatError, WeChatUnavailable) as exc:
        error = str(exc).encode()

    if error is not None:
        assert PATH.encode() in error
        assert SECRET.encode() not in error
    else:
        assert status == 200
        assert isinstance(found, dict)
        assert type(found.get("errcode", 0)) is int
        assert ERROR_CODES[found.get("errcode", 0)].policy in SUCCESS
        json.dumps(found, ensure_ascii=False).encode()


@given(objects, st.sampled_from(["utf-8", "gb18030"]), st.booleans(), st.booleans(), st.sampled_from(KINDS))
def test_an_object_arrives_unchanged(
    sent: dict[str, Any], encoding: str, bom: bool, escaped: bool, content_type: str
) -> None:
    """Integers of any size and texts keep their values; escapes, BOM and content type make no difference."""
    body = json.dumps(sent, ensure_ascii=escaped).encode("utf-8" if bom else encoding)
    found = parse(b"\xef\xbb\xbf" * bom + body, content_type=content_type)
    if bom or escaped or encoding == "utf-8":
        assert found == sent


@given(
    st.integers(-(10**9), 10**9).filter(lambda errcode: errcode not in {0, *ERROR_CODES})
    | st.sampled_from([40001, -1]),
    texts,
    objects,
    st.booleans(),
    st.sampled_from(KINDS),
    st.sampled_from([200, 400, 404, 429]),
)
def test_an_errcode_is_always_raised(
    errcode: int, errmsg: str, rest: dict[str, Any], quoted: bool, content_type: str, status: int
) -> None:
    """An errcode as number or text has priority over content type and status, and the error has no secret."""
    body = {**rest, "errcode": str(errcode) if quoted else errcode, "errmsg": f"{errmsg} {SECRET} rid: 1"}
    with pytest.raises(WeChatError) as caught:
        parse(json.dumps(body, ensure_ascii=False).encode(), status, content_type)
    assert caught.value.errcode == errcode
    assert SECRET not in str(caught.value)
    assert "***" in caught.value.errmsg


def test_a_short_secret_is_masked_as_a_word_only() -> None:
    """A mistyped code of one letter does not spoil the words of WeChat's message."""
    body = b'{"errcode": 40029, "errmsg": "invalid code x, it has expired"}'
    with pytest.raises(WeChatError, match=r"invalid code \*\*\*, it has expired"):
        json_answer("/sns/jscode2session", 200, "application/json", body, ["x"])


@given(objects.filter(bool), st.data())
def test_a_truncated_answer_is_unavailable(sent: dict[str, Any], data: st.DataObject) -> None:
    """No prefix of an object is taken for a whole one."""
    body = json.dumps(sent, ensure_ascii=False).encode()
    end = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(WeChatUnavailable):
        parse(body[:end])


def test_a_resultcode_is_an_errcode() -> None:
    """Calls about local delivery name their result so, besides an errcode of 0 or without one."""
    for body in (b'{"resultcode":930561,"resultmsg":"bad"}', b'{"errcode":0,"errmsg":"ok","resultcode":"930561"}'):
        with pytest.raises(BadRequest) as caught:
            parse(body)
        assert caught.value.errcode == 930561
    assert parse(b'{"resultcode":0,"resultmsg":"ok","fee":1}')["fee"] == 1


def test_half_a_character_is_replaced() -> None:
    """A nickname that WeChat cut inside an emoji can be stored, logged and sent on; whole emojis stay."""
    found = parse(b'{"nickname":"\\ud83d\\ude00 \\ud83d","list":["\\udc00"]}')
    assert found == {"nickname": "😀 \ufffd", "list": ["\ufffd"]}
