"""The sample Mini Program has the structure that WeChat documents."""

import json
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.readme import ROOT

BUILTINS = {"item", "index"}
"""Variables of `wx:for`."""
COMPONENTS = {"view", "text", "button", "input", "navigator", "scroll-view"}
EVENT = re.compile(r"^(?:bind|catch):?\w+$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `make miniprogram` makes."""
    folder = tmp_path_factory.mktemp("miniprogram")
    subprocess.run(["make", "-s", "miniprogram", f"MINIPROGRAM={folder}"], cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def pages(folder: Path) -> list[Path]:
    """Return the pages without suffix."""
    return [folder / page for page in json.loads((folder / "app.json").read_text())["pages"]]


def test_every_page_has_its_four_files(folder: Path, pages: list[Path]) -> None:
    """Each page of `app.json` has wxml, wxss, js and json; no other page exists; all JSON files are valid."""
    assert {file.with_suffix("") for file in folder.glob("pages/*/*")} == set(pages)
    for page in pages:
        assert [suffix for suffix in (".wxml", ".wxss", ".js", ".json") if not page.with_suffix(suffix).is_file()] == []
        assert json.loads(page.with_suffix(".json").read_text())["usingComponents"] == {}
    for file in folder.rglob("*.json"):
        assert isinstance(json.loads(file.read_text()), dict), file
    project = json.loads((folder / "project.config.json").read_text())
    assert (project["compileType"], project["miniprogramRoot"]) == ("miniprogram", "./")
    assert (folder / json.loads((folder / "app.json").read_text())["sitemapLocation"]).is_file()
    for sheet in folder.rglob("*.wxss"):
        assert sheet.read_text().count("{") == sheet.read_text().count("}") > 0, sheet


def test_everything_that_a_template_names_exists(pages: list[Path]) -> None:
    """Handlers are methods of the page, variables are its data, components are WeChat's, and links lead to pages."""
    known = {f"/pages/{page.parent.name}/{page.name}" for page in pages}
    for page in pages:
        script = page.with_suffix(".js").read_text()
        methods = set(re.findall(r"^  (?:async )?(\w+)\(.*\) \{$", script, re.MULTILINE))
        data = re.search(r"^  data: \{(?:([^\n]*)\},|\n(.*?)\n  \},)$", script, re.MULTILINE | re.DOTALL)
        assert data
        names = set(re.findall(r"(\w+):", (data[1] or "") + (data[2] or ""))) | BUILTINS
        template = page.with_suffix(".wxml").read_text()
        tree = ElementTree.fromstring(f"<page xmlns:wx='wx'>{template}</page>")  # noqa: S314 - ours
        for element in tree.iter():
            if element.tag == "page":
                continue
            assert element.tag in COMPONENTS, element.tag
            for attribute, value in element.attrib.items():
                if EVENT.match(attribute):
                    assert value in methods, f"{page.name}: {attribute}={value}"
            assert element.get("url", next(iter(known))) in known
        for expression in re.findall(r"\{\{(.*?)\}\}", template):
            for name in re.findall(r"(?<![.\w'])[a-z]\w*", re.sub(r"'[^']*'", "", expression)):
                assert name in names | {"true", "false"}, f"{page.name}: {name}"


def test_every_required_module_exists(folder: Path) -> None:
    """Mini Programs have no other modules than their own files, named by relative paths."""
    required = 0
    for script in folder.rglob("*.js"):
        for name in re.findall(
            r"\brequire\(\"(.*?)\"\)", re.sub(r"/\*.*?\*/", "", script.read_text(), flags=re.DOTALL)
        ):
            assert name.startswith("."), f"{script.name}: {name}"
            assert (script.parent / f"{name}.js").is_file(), f"{script.name}: {name}"
            required += 1
    assert required > 5
