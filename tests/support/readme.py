"""The code blocks of documents."""

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
    """Return the code blocks of a document, or those of one language, without indentation by lists."""
    found = BLOCK.finditer(document.read_text(encoding="utf-8"))
    return [
        re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        for match in found
        if language is None or match["language"] == language
    ]


def the_block(document: Path, language: str, words: str) -> str:
    """Return the one block of a language that has these words."""
    (block,) = [block for block in blocks(document, language) if words in block]
    return block


@contextmanager
def samples_of(document: Path, changes: Mapping[str, str] | None = None) -> Iterator[types.ModuleType]:
    """Run a document's Python blocks as one module; `changes` maps texts to their replacements."""
    source = "\n".join(blocks(document, "python"))
    assert source
    for text, replacement in (changes or {}).items():
        assert text in source
        source = source.replace(text, replacement)
    module = types.ModuleType(f"samples_of_{document.name}")
    sys.modules[module.__name__] = module  # needed to resolve annotations
    exec(compile(source, document.name, "exec"), vars(module))  # noqa: S102 - our own document
    yield module
    del sys.modules[module.__name__]
