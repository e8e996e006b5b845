"""What users write is typed: strict mypy accepts it, and finds wrong calls."""

from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[3]

SAMPLE = '''
from pydantic import BaseModel

from wxbus.api.declaration import Answer, Family, get
from wxbus_worker import Context, Router, TextMessage, WeChatClient, reply
from wxbus_worker.testing import HandlerClient


class Cart(BaseModel):
    items: list[str] = []


class Poem(Answer):
    lines: tuple[str, ...] = ()


class Poems(Family):
    title = "诗"

    @get("/cgi-bin/poem/get", name="getPoem", title="读诗")
    async def find(self, topic: str) -> Poem:  # type: ignore[empty-body]  # the decorator makes the call
        """Return a poem."""


router = Router(storage=Cart)


@router.text
async def add(message: TextMessage, context: Context[Cart], client: WeChatClient) -> reply.Text:
    context.storage.items.append(message.content)
    await client.upload_media("file", "a.pdf", b"pdf")
    poem = await Poems(client).find(message.content)
    return reply.Text(" / ".join(poem.lines))


@router.on_error(KeyError)
async def unknown(error: KeyError) -> reply.Text:
    return reply.Text(f"{error} is not for sale")


@router.on_error
async def failed(error: Exception) -> reply.Text:
    return reply.Text(str(error))


async def test_add() -> None:
    async with HandlerClient(router) as client:
        result = await client.text("tea")
    assert result.context.storage.items == ["tea"]
    assert result.texts == 1
'''


def test_mypy_accepts_handlers_and_finds_their_mistakes(tmp_path: Path) -> None:
    """The comparison in the last line is the only error."""
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE, encoding="utf-8")
    report, errors, _ = api.run([str(sample), "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"])
    found = [line.partition("error: ")[2] for line in report.splitlines() if "error: " in line]
    expected = 'Non-overlapping equality check (left operand type: "list[str]", right operand type: "Literal[1]")'
    assert found == [f"{expected}  [comparison-overlap]"], report + errors
