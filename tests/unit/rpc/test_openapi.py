"""The OpenAPI document and its page."""

import asyncio
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from tests.support.browser import Window, needs_browser, open_browser
from tests.support.http import HttpClient, LowLevelServer
from tests.support.programs import program
from tests.support.rpc import Echo, Keys, Reply
from wxbus.rpc import Server, method, service
from wxbus.rpc.auth.keys import ApiKeys
from wxbus.rpc.page import openapi
from wxbus.rpc.service.access import ApiKeyAccess
from wxbus.rpc.transports.http import build_http

READER = Path(__file__).with_name("page_reader.js")


@pytest.fixture
def document(keys: Keys) -> dict[str, Any]:
    """The document of a small service."""
    server = Server([Echo()], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    return openapi.document(server, title="Small", version="1")


def strings(value: object) -> Iterator[tuple[str, str]]:
    """Yield every string member with its name."""
    for name, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(member, str):
            yield str(name), member
        yield from strings(member)


def test_the_document_has_all_declarations(document: dict[str, Any]) -> None:
    """Each method with its models, formats and scopes; nothing else."""
    assert list(document["paths"]) == ["/rpc/echo/say"]
    operation = document["paths"]["/rpc/echo/say"]["post"]
    assert operation["summary"] == "Return the caller."
    assert "echo:say:{appid}" in operation["description"]
    assert {"application/json", "application/vnd.msgpack"} <= operation["requestBody"]["content"].keys()
    assert document["components"]["schemas"]["Question"]["required"] == ["appid"]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    """Every `$ref` of the document resolves within the document."""
    found = [value for name, value in strings(document) if name == "$ref"]
    assert found
    for reference in found:
        part: Any = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]


def test_the_document_for_generators_has_only_json(keys: Keys) -> None:
    """Each model once; the other document has all formats that support the model."""
    server = Server([Wood(), Echo()], access=ApiKeyAccess(ApiKeys.of(keys.entries)), registry=CollectorRegistry())
    view = openapi.document(server, title="Wood", version="1", json_only=True)
    assert list(view["paths"]) == ["/rpc/wood/grow", "/rpc/echo/say"]
    for path in view["paths"].values():
        assert list(path["post"]["requestBody"]["content"]) == ["application/json"]
        assert list(path["post"]["responses"]["200"]["content"]) == ["application/json"]
    assert not [name for name in view["components"]["schemas"] if "." in name]


def test_xml_bodies_have_a_root_name(document: dict[str, Any]) -> None:
    """Client generators read it only next to `allOf`, not next to a reference."""
    content = document["paths"]["/rpc/echo/say"]["post"]["requestBody"]["content"]
    for name in ("application/xml", "text/xml"):
        assert content[name]["schema"] == {
            "allOf": [{"$ref": "#/components/schemas/Question"}],
            "xml": {"name": "xml"},
        }


class Size(StrEnum):
    """Of a leaf."""

    SMALL = "small"
    LARGE = "large"


class Leaf(BaseModel):
    """May say nothing."""

    size: Size = Size.SMALL
    word: str | None = None
    number: int | str | None = None


class Tree(BaseModel):
    """Nested, also in itself."""

    leaves: list[Leaf] = []
    trees: list["Tree"] = []


@service("wood")
class Wood:
    """Grows."""

    @method(Tree, scopes=["wood:grow"])
    async def grow(self, request: Tree) -> Reply:
        """Grow."""
        return Reply(text=f"{len(request.trees)} trees", caller="")


def test_text_formats_have_no_null() -> None:
    """Forms and XML omit fields without a value, in nested models too; JSON may have null."""
    server = Server([Wood()], access=ApiKeyAccess(ApiKeys.of([])), registry=CollectorRegistry())
    described = openapi.document(server, title="Wood", version="1")
    content = described["paths"]["/rpc/wood/grow"]["post"]["requestBody"]["content"]
    (text,) = content["application/xml"]["schema"]["allOf"]
    assert text == content["application/x-www-form-urlencoded"]["schema"] == {"$ref": "#/components/schemas/Tree.text"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Tree"}
    models = described["components"]["schemas"]
    tree = models["Tree.text"]["properties"]
    assert (tree["leaves"]["items"], tree["trees"]["items"]) == (
        {"$ref": "#/components/schemas/Leaf.text"},
        {"$ref": "#/components/schemas/Tree.text"},
    )
    assert models["Leaf.text"]["properties"] == {
        "size": {"$ref": "#/components/schemas/Size", "default": "small"},
        "word": {"title": "Word", "type": "string"},
        "number": {"title": "Number", "anyOf": [{"type": "integer"}, {"type": "string"}]},
    }
    assert {"type": "null"} in models["Leaf"]["properties"]["word"]["anyOf"]


async def test_the_document_is_public(http: HttpClient, keys: Keys) -> None:
    """It needs no key and contains none."""
    answer = await http.get("/openapi.json")
    assert (answer.status, answer.content_type) == (200, "application/json")
    text = await answer.text()
    assert json.loads(text)["openapi"].startswith("3.1")
    for entry in keys.entries:
        assert entry.prefix is not None
        assert entry.sha256 is not None
        assert entry.prefix not in text
        assert entry.sha256 not in text


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js", "/docs/page.css"])
async def test_the_page_has_no_external_resources(http: HttpClient, path: str) -> None:
    """The page loads nothing from elsewhere; its Content-Security-Policy forbids that."""
    answer = await http.get(path)
    text = await answer.text()
    assert answer.status == 200
    assert not re.search(r"(?:https?:)?//[a-z]", text), "an external address"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    if path == "/docs":
        assert not re.search(r"<script>|<style|\son\w+=|style=", text), "the policy forbids inline code"


async def read(url: str, key: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a reader sees who opens the page and makes one call."""
    process = await asyncio.create_subprocess_exec(
        *(program("node"), str(READER), url, key, json.dumps(request)), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    seen: dict[str, Any] = json.loads(output)
    return seen


@pytest.mark.programs("node")
async def test_the_page_shows_nested_messages(echo: Echo) -> None:
    """The table has the fields of nested messages and the values of enums; the index has the methods."""
    server = Server([Wood(), echo], access=ApiKeyAccess(ApiKeys.of([])), registry=CollectorRegistry())
    async with HttpClient(LowLevelServer(build_http(server))) as http:
        seen = await read(str(http.make_url("")).rstrip("/"), "", {})
    assert seen["index"] == "wood.grow echo.say", "as the services were given to the server"
    wood = seen["sections"][0]
    assert all(part in wood for part in ("leaves", "list of Leaf", "leaves[].word", '"small" or "large"'))
    assert "trees[].leaves[].size" in wood


@pytest.mark.programs("node")
@pytest.mark.parametrize(
    ("name", "appid", "shown", "failed"),
    [
        ("full", "<img src=x>", '"text": "<img src=x>"', False),
        ("one", "wx2", "403", True),
        ("other", "wx1", "403", True),
        ("", "wx1", "401", True),
    ],
)
async def test_the_page_calls_a_method(
    http: HttpClient, keys: Keys, name: str, appid: str, shown: str, failed: bool
) -> None:
    """It shows methods and fields, calls with the entered key, and shows the answer as text."""
    seen = await read(str(http.make_url("")).rstrip("/"), getattr(keys, name, ""), {"appid": appid})
    assert seen["title"].startswith("wxbus RPC")
    assert seen["asked"] == ["openapi.json", "/rpc/echo/say"]
    assert json.loads(seen["offered"]) == {"appid": ""}
    assert all(
        part in seen["text"] for part in ("POST /rpc/echo/say", "Return the caller.", "times", "integer", "caller")
    )
    assert shown in seen["output"]
    assert seen["failed"] is failed


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.5", "en"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("de, zh-TW;q=0.3", "zh"),
    ],
)
async def test_the_page_has_the_readers_language(http: HttpClient, accepted: str | None, language: str) -> None:
    """`Accept-Language` decides; the page fits a phone."""
    answer = await http.get("/docs", headers={} if accepted is None else {"Accept-Language": accepted})
    text = await answer.text()
    assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")
    assert f'<html lang="{language}' in text
    assert (re.search("[\u4e00-\u9fff]", text) is not None) is (language == "zh")
    assert '<meta name="viewport" content="width=device-width' in text


TRIED = """
(async () => {
  const until = async (found) => { while (!found()) await new Promise((go) => setTimeout(go, 5)); return found(); };
  const section = await until(() => document.querySelector("section"));
  const [input, button, output] = ["textarea", "button", "pre"].map((name) => section.querySelector(name));
  const offered = input.value;
  document.getElementById("key").value = %s;
  input.value = %s;
  button.click();
  await until(() => !output.hidden && !button.disabled);
  const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
  return { title: document.title, text: section.innerText, offered, output: output.innerText, asked,
    failed: output.className === "failed", images: document.images.length };
})()
"""


async def test_the_page_translates_the_scope_sentence(http: HttpClient) -> None:
    """The page removes the sentence's beginning from the description, so both files have the same text."""
    document = await (await http.get("/openapi.json")).json()
    script = await (await http.get("/docs/page.js")).text()
    sentence = "Requires an API key with the scope "
    assert document["paths"]["/rpc/echo/say"]["post"]["description"].startswith(sentence)
    assert sentence in script


@needs_browser
async def test_the_page_works_in_a_browser(http: HttpClient, keys: Keys) -> None:
    """Its policy permits its script, it loads nothing else, answers are shown as text, and it fits a phone."""
    base = str(http.make_url("")).rstrip("/")
    async with open_browser() as browser, Window.open(browser, width=420) as window:
        await window.page.goto(f"{base}/docs")
        request = json.dumps({"appid": "<img src=x>"})
        seen = await window.page.evaluate(TRIED % (json.dumps(keys.full), json.dumps(request)))
        refused = await window.page.evaluate(TRIED % (json.dumps(keys.other), json.dumps(request)))
        assert await window.widths() == (420, 420)
    assert seen["title"].startswith("wxbus RPC")
    assert json.loads(seen["offered"]) == {"appid": ""}
    assert all(
        part in seen["text"] for part in ("POST /rpc/echo/say", "Return the caller.", "times", "integer", "caller")
    )
    assert '"text": "<img src=x>"' in seen["output"]
    assert (seen["failed"], seen["images"]) == (False, 0)
    assert {urlsplit(address).path for address in seen["asked"]} >= {"/docs/page.css", "/openapi.json", "/rpc/echo/say"}
    assert all(address.startswith(base) for address in seen["asked"])
    assert refused["output"].startswith("403")
    assert refused["failed"]
    assert window.errors == []
