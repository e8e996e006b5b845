"""The README as data: what it tells people to type and to write."""

import re
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
README_CHINESE = ROOT / "README.zh-CN.md"
BOTH = (README, README_CHINESE)

BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path, language: str | None = None) -> list[str]:
    """The code blocks of a document, those of one language if it is given, without the indent of a list."""
    found = BLOCK.finditer(document.read_text(encoding="utf-8"))
    return [
        re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        for match in found
        if language is None or match["language"] == language
    ]


def the_block(document: Path, language: str, words: str) -> str:
    """The one block of a language that has these words."""
    (block,) = [block for block in blocks(document, language) if words in block]
    return block


@contextmanager
def samples_of(document: Path, changes: Mapping[str, str] | None = None) -> Iterator[types.ModuleType]:
    """A document's Python blocks, from the first to the last, as one module; `changes` puts other words into them."""
    source = "\n".join(blocks(document, "python"))
    assert source
    for written, ours in (changes or {}).items():
        assert written in source
        source = source.replace(written, ours)
    module = types.ModuleType(f"samples_of_{document.name}")
    sys.modules[module.__name__] = module  # where annotations are looked up
    exec(compile(source, document.name, "exec"), vars(module))  # noqa: S102 - our own page
    yield module
    del sys.modules[module.__name__]
