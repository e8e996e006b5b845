"""References and links between code, tests and documents resolve."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.readme import ROOT

FOLDERS = ("shared", "services", "deploy", "tests", "docs")
GENERATED = {"node_modules", ".venv", "build", "__pycache__"}
PAGES = {
    "protocol": ROOT / "docs/reference/wechat-protocol.md",
    "RabbitMQ and Redis": ROOT / "docs/reference/rabbitmq-and-redis.md",
    "WeCom": ROOT / "docs/reference/wecom.md",
}
NUMBER = r"\d+(?:\.\d+)*"
ITEM = rf"{NUMBER}(?:, (?:trap|consequence) \d+)?"
REFERENCE = re.compile(rf"(\S+(?: and Redis)?) reference ({ITEM}(?:(?:, | and | to |; ){ITEM})*)")
CHINESE_REFERENCE = re.compile(rf"(协议|企业微信|RabbitMQ 与 Redis )参考 ({NUMBER}(?:[、和到 ]+{NUMBER})*)")
CHINESE_NAMES = {"协议": "protocol", "企业微信": "WeCom", "RabbitMQ 与 Redis ": "RabbitMQ and Redis"}
DECISION = re.compile(r"(?:\b[Dd]ecisions?|决策) (\d{4})(?:(?:,| and|、|和) ?(\d{4}))*")
QUEUES = r"wxbus\.(?:inbox|inbox\.\S*|retry|retry\.\S*|dead|rpc|rpc\.token|started)"
"""Default names of exchanges and queues, which look like modules."""


def files(*suffixes: str) -> Iterator[Path]:
    """Return the files of the repository with one of these suffixes, except this one."""
    for path in [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]:
        if path.suffix in suffixes and path != Path(__file__) and not GENERATED & set(path.parts):
            yield path


@cache
def text_of(path: Path) -> str:
    """Return the text of a file on one line, without comment marks."""
    return re.sub(r"\s*\n[\s#*-]*", " ", path.read_text(encoding="utf-8"))


@cache
def sections(page: Path) -> frozenset[str]:
    """Return the numbers of headings and of numbered list entries below them (`13, 8` is `13.8`)."""
    found: set[str] = set()
    heading = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if match := re.match(rf"#+ ({NUMBER})\.? ", line):
            heading = match[1]
            found.add(heading)
        elif match := re.match(r"(\d+)\. ", line):
            found.add(f"{heading}.{match[1]}")
    return frozenset(found)


def test_every_reference_to_a_section_resolves() -> None:
    """`protocol reference 4.1`, `WeCom reference 5.6` and `RabbitMQ and Redis reference 3.7` name existing sections."""
    checked = 0
    for path in files(".py", ".lua", ".md", ".toml", ".yml"):
        text = text_of(path)
        if " reference " not in text and "参考 " not in text:
            continue  # the expressions are slow on long texts
        chinese = [(CHINESE_NAMES[name], numbers) for name, numbers in CHINESE_REFERENCE.findall(text)]
        for name, numbers in REFERENCE.findall(text) + chinese:
            page = PAGES.get(name.strip("(\"'`*"))
            assert page is not None, f"{path.relative_to(ROOT)}: {name} reference {numbers}: there is no such reference"
            for number, entry in re.findall(rf"({NUMBER})(?:, (?:trap|consequence) (\d+))?", numbers):
                section = f"{number}.{entry}" if entry else number
                assert section in sections(page), f"{path.relative_to(ROOT)}: {page.name} has no section {section}"
                checked += 1
    assert checked > 150


def test_every_reference_to_a_decision_resolves() -> None:
    """`decision 0013` names an existing record, and the index lists every record once."""
    records = {path.name[:4]: path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md")}
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"\]\((\d{4}-[^)]*)\)", index)) == sorted(records.values())
    for path in files(".py", ".lua", ".md", ".toml", ".yml"):
        for match in DECISION.finditer(text_of(path)):
            for number in re.findall(r"\d{4}", match[0]):
                assert number in records, f"{path.relative_to(ROOT)}: there is no decision {number}"


@pytest.mark.parametrize("page", list(files(".md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page: Path) -> None:
    """A linked file exists and has the heading that the link names."""
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link, part in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", prose):
        target = (page.parent / link) if link else page
        assert target.exists(), f"{link} does not exist"
        if part:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert part in anchors, f"{link} has no heading #{part}"


DOCUMENTS = [page for page in files(".md") if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_module_and_file_exists(page: Path) -> None:
    """A dotted name of wxbus in a document can be imported, and a path of the repository exists."""
    for code in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")):
        for name in re.findall(r"(?<![\w./-])wxbus(?:_\w+)?(?:\.\w+)+", code):
            if not re.fullmatch(QUEUES, name):
                assert exists(name), f"{name} is neither a module nor in one"
        for named in re.findall(rf"(?<![\w./-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w", code):
            assert (ROOT / named).exists(), f"{named} does not exist"


def exists(name: str) -> bool:
    """Return whether the dotted name is a module or a member of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = find_spec(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        if found is None:
            continue
        value: object = import_module(".".join(parts[:length]))
        for part in parts[length:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False
