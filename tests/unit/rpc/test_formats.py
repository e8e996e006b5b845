"""The formats besides JSON."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from wxbus.errors import RpcFailure
from wxbus.rpc.codec.formats import Form, MessagePack, Xml, standard_formats
from wxbus.rpc.codec.serialization import Json, Serializer, Serializers

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


class Kind(StrEnum):
    """A choice."""

    A = "a"
    B = "b"


class Flat(BaseModel):
    """A model that every format supports."""

    model_config = ConfigDict(extra="forbid")

    text: str
    number: int
    share: float = Field(allow_inf_nan=False)
    yes: bool
    kind: Kind = Kind.A
    maybe: int | None = None
    tags: list[str] = []
    numbers: tuple[int, ...] = ()


class Deep(BaseModel):
    """A model that forms do not support."""

    flat: Flat
    item: Flat | None = None
    detail: list[Flat] = []
    choice: int | str = 0


NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLAT = st.builds(
    Flat,
    text=LETTERS,
    number=NUMBERS,
    share=st.floats(allow_nan=False, allow_infinity=False),
    maybe=st.none() | NUMBERS,
    tags=st.lists(LETTERS.filter(bool)),
    numbers=st.lists(NUMBERS).map(tuple),
)
DEEP = st.builds(Deep, flat=FLAT, item=st.none() | FLAT, detail=st.lists(FLAT, max_size=3), choice=st.just("x"))


@pytest.mark.parametrize("serializer", standard_formats(), ids=lambda serializer: type(serializer).__name__)
@given(message=FLAT)
def test_flat_models_survive_each_format(serializer: Serializer, message: Flat) -> None:
    """Numbers, booleans, enums and lists of none, one and many."""
    assert serializer.decode(serializer.encode(message), Flat) == message


@pytest.mark.parametrize("serializer", [Xml()], ids=lambda serializer: type(serializer).__name__)
@given(message=DEEP)
def test_nested_models_survive(serializer: Serializer, message: Deep) -> None:
    """XML does not distinguish one element from a list of one: the model decides, for any name of the element."""
    assert serializer.decode(serializer.encode(message), Deep) == message


@pytest.mark.parametrize(
    "values",
    [
        {"number": "1"},
        {"number": True},
        {"number": 1.5},
        {"share": "0.5"},
        {"yes": 0},
        {"yes": "true"},
        {"text": 1},
        {"maybe": "1"},
        {"tags": "a"},
        {"kind": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("serializer", [Json(), MessagePack()], ids=["json", "messagepack"])
def test_typed_formats_are_strict(serializer: Serializer, values: dict[str, object]) -> None:
    """A string is not a number, and a number is not a boolean."""
    values = {"text": "t", "number": 1, "share": 0.5, "yes": True, **values}
    body = json.dumps(values).encode() if isinstance(serializer, Json) else msgpack.packb(values)
    with pytest.raises(RpcFailure) as caught:
        serializer.decode(body, Flat)
    assert caught.value.status == 422
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize(("word", "meant"), [("true", True), ("TRUE", True), ("False", False)])
def test_booleans_in_text(word: str, meant: bool) -> None:
    """Forms and XML have `true` and `false`, in lower or upper case."""
    assert Form().decode(f"text=t&number=1&share=0.5&yes={word}".encode(), Flat).yes is meant
    fields = f"<text>t</text><number>1</number><share>0.5</share><yes>{word}</yes>"
    assert Xml().decode(f"<xml>{fields}</xml>".encode(), Flat).yes is meant


@pytest.mark.parametrize("word", ["0", "1", "yes", "on", "t", ""])
def test_other_words_are_not_booleans(word: str) -> None:
    """They may be a number or a text in the wrong field."""
    with pytest.raises(RpcFailure) as caught:
        Form().decode(f"text=t&number=1&share=0.5&yes={word}".encode(), Flat)
    assert [error["field"] for error in caught.value.errors] == ["yes"]


class Open(BaseModel):
    counts: dict[str, int]


class Listed(BaseModel):
    names: list[str]
    of: Literal["a", "b"] | None = None
    when: datetime


def test_a_format_knows_which_models_it_supports() -> None:
    """Forms support flat models, XML declared names; JSON and MessagePack support all."""
    models = (Flat, Listed, Deep, Open)
    held = {
        type(serializer).__name__: [model.__name__ for model in models if serializer.supports(model)]
        for serializer in standard_formats()
    }
    assert held == {
        "Json": ["Flat", "Listed", "Deep", "Open"],
        "Form": ["Flat", "Listed"],
        "MessagePack": ["Flat", "Listed", "Deep", "Open"],
        "Xml": ["Flat", "Listed", "Deep"],
    }


def test_an_answer_has_a_supported_format() -> None:
    """The best format that the caller accepts and that supports the answer; 406 if there is none."""
    known = Serializers(standard_formats())
    form = "application/x-www-form-urlencoded"
    assert isinstance(known.for_answer(form, Flat), Form)
    assert isinstance(known.for_answer(f"{form}, application/xml;q=0.5", Deep), Xml)
    with pytest.raises(RpcFailure, match="406"):
        known.for_answer(form, Deep)


@pytest.mark.parametrize(
    ("serializer", "body", "status"),
    [
        (Form(), b"text=\xff", 400),
        (Form(), b"text=%ff", 400),
        (Form(), b"&".join(b"a=1" for _ in range(1000)), 400),
        (Form(), b"text=a&text=b&number=1&share=1&yes=1", 422),
        (Form(), b"", 422),
        (Form(), b'{"text": 1}', 422),
        (MessagePack(), b"", 400),
        (MessagePack(), b"\x81", 400),
        (MessagePack(), b"\xc1", 400),
        (MessagePack(), b"\x81\xa1\xff\x01", 400),
        (MessagePack(), b"\x91" * 5000, 400),
        (MessagePack(), b"\xdd\xff\xff\xff\xff", 400),
        (MessagePack(), b"\x01\x02", 400),
        (MessagePack(), b"\x81\x01\x02", 400),
        (MessagePack(), b"\xd6\xff\xff\xff\xff\xff", 422),
        (MessagePack(), b"\x01", 422),
        (Xml(), b"", 400),
        (Xml(), b'{"text": "a"}', 400),
        (Xml(), b"<xml>", 400),
        (Xml(), b"<other/>", 400),
        (Xml(), b"<xml>\xff</xml>", 400),
        (Xml(), b"<xml>" + b"<a>" * 5000, 400),
        (Xml(), b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><text>&a;</text></xml>', 400),
        (Xml(), b"<xml><text>&a;</text></xml>", 400),
        (Xml(), b"<xml/>", 422),
        (Xml(), b"<xml><text><a>hunter2</a></text></xml>", 422),
    ],
)
def test_malformed_and_invalid_bodies_differ(serializer: Serializer, body: bytes, status: int) -> None:
    """400 for a malformed body, 422 for an invalid request; neither error shows the body."""
    with pytest.raises(RpcFailure) as caught:
        serializer.decode(body, Flat)
    assert caught.value.status == status
    assert "hunter2" not in f"{caught.value} {caught.value.errors}"


@pytest.mark.parametrize("serializer", standard_formats(), ids=lambda serializer: type(serializer).__name__)
@given(body=st.binary() | LETTERS.map(str.encode))
def test_every_body_has_an_outcome(serializer: Serializer, body: bytes) -> None:
    """Any body is a valid request, 400 or 422."""
    status = 200
    try:
        serializer.decode(body, Deep)
    except RpcFailure as exc:
        status = exc.status
    assert status in {200, 400, 422}


def test_a_custom_format_is_added() -> None:
    """The first format of a server is its default."""

    class Plain:
        content_types = ("text/plain",)

        def decode(self, body: bytes, model: type[BaseModel]) -> BaseModel:
            return model.model_validate({"text": body.decode()})

        def supports(self, _model: type[BaseModel]) -> bool:
            return True

        def encode(self, message: BaseModel) -> bytes:
            return str(message).encode()

    mine: Serializer = Plain()  # type: ignore[assignment]  # a test's shortcut: not generic
    known = Serializers((*standard_formats(), mine))
    assert known.for_request("text/plain") is known.for_answer("text/plain", Flat) is mine
    assert known.content_types[0] == "application/json"
    assert Serializers([mine]).for_answer(None, Flat) is mine


class Nothing(BaseModel):
    """A request without a field that is needed."""


@pytest.mark.parametrize(
    "body",
    [
        b"<xml>true</xml>",
        b'<?xml version="1.0"?>\n<xml> a<appid>wx1</appid></xml>',
        b"\xef\xbb\xbf <xml>true</xml>",
        b"<xml><![CDATA[true]]></xml>",
    ],
)
def test_text_in_the_root_is_malformed(body: bytes) -> None:
    """Otherwise it would be a request without fields, which is valid if no field is required."""
    with pytest.raises(RpcFailure) as refused:
        Xml().decode(body, Nothing)
    assert refused.value.status == 400


def test_a_value_may_look_like_a_document() -> None:
    """A root element, or one with text, in the text of a field is that text."""
    for text in ("<xml>", "<xml>true</xml>", '<?xml version="1.0"?><xml>'):
        message = Deep(flat=Flat(text=text, number=1, share=0, yes=True, tags=[text]), choice="x")
        assert Xml().decode(Xml().encode(message), Deep) == message
