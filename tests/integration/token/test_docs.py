"""The samples of docs/how-to/tokens.md and its translation, run as they are written."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.programs import program
from tests.support.readme import ROOT, blocks
from tests.support.token_service import SHOP, Place, service
from wxbus.tokens import TokenClient

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

ENGLISH = ROOT / "docs/how-to/tokens.md"
CHINESE = ROOT / "docs/how-to/tokens.zh-CN.md"


async def run(*command: str, **env: str) -> str:
    """Return the output of a program; it must exit with 0."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (output + errors).decode()
    return output.decode()


@pytest.fixture
async def url(place: Place) -> AsyncIterator[str]:
    """Yield the address of a running service."""
    async with service(place.settings) as url:
        yield url


@pytest.fixture
def env(place: Place, url: str) -> dict[str, str]:
    """Return the variables of the samples."""
    return {"TOKEN_URL": url, "TOKEN_API_KEY": place.key, "APPID": SHOP, "WECHAT_API_URL": place.sandbox.url}


@pytest.fixture
async def current(place: Place, url: str) -> str:
    """Return the account's token."""
    async with TokenClient.open(url, place.key) as tokens:
        return await tokens.get(SHOP)


def test_both_languages_have_the_same_samples() -> None:
    """The translation has the same commands."""
    assert blocks(ENGLISH) == blocks(CHINESE)


@pytest.mark.programs("curl")
async def test_curl(place: Place, env: dict[str, str], current: str) -> None:
    """The two commands get a token and replace it; their output has the fields of the page."""
    program("curl")
    get, report = blocks(ENGLISH, "sh")
    answer = json.loads(await run("sh", "-euc", get, **env))
    assert answer["access_token"] == current
    (shown,) = blocks(ENGLISH, "json")
    assert answer.keys() == json.loads(shown).keys()
    await place.sandbox.invalidate_tokens(SHOP)
    replaced = json.loads(await run("sh", "-euc", report, **env, TOKEN=current))
    assert replaced.keys() == answer.keys()
    assert replaced["access_token"] != current


async def test_python(env: dict[str, str], current: str) -> None:
    """The sample prints the token."""
    (sample,) = blocks(ENGLISH, "python")
    assert (await run(sys.executable, "-c", sample, **env)).strip() == current


@pytest.mark.programs("node")
@pytest.mark.parametrize("dead", [False, True])
async def test_node(place: Place, env: dict[str, str], current: str, tmp_path: Path, dead: bool) -> None:
    """WeChat accepts the token of the sample; an invalid one is reported and replaced once."""
    (sample,) = blocks(ENGLISH, "js")
    (tmp_path / "sample.mjs").write_text(sample)
    if dead:
        await place.sandbox.invalidate_tokens(SHOP)
    assert current
    output = await run(program("node"), str(tmp_path / "sample.mjs"), "o_nobody", **env)
    (errcode,) = re.findall(r"errcode: (\d+)", output)
    assert int(errcode) not in {40001, 40014, 42001, 41001}, "it complains of the user, not of the token"
    assert await place.fetched() == 1 + dead
