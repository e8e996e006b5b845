"""Bound clients are typed by their declaration."""

from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[3]

SAMPLE = """
from wxbus.rpc import Client
from wxbus.tokens.messages import TokenAnswer
from wxbus.tokens.services import TokenService

async def call(client: Client) -> TokenAnswer:
    token = client.bind(TokenService)
    await token.get(app="wx1")
    await token.get(appid=1)
    return await token.get(appid="wx1")
"""


def test_mypy_checks_fields_and_answers(tmp_path: Path) -> None:
    """A wrong name or type of a field is an error of mypy; a correct call is not."""
    sample = tmp_path / "sample.py"
    sample.write_text(SAMPLE, encoding="utf-8")
    report, errors, _ = api.run([str(sample), "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"])
    found = [line.partition("error: ")[2] for line in report.splitlines()]
    assert found == [
        'Unexpected keyword argument "app"  [call-arg]',
        'Argument "appid" has incompatible type "int"; expected "str"  [arg-type]',
    ], errors
