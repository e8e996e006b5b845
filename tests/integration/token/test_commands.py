"""The operators' commands, against a running service."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from tests.support.proxy import proxied
from tests.support.readme import ROOT, the_block
from tests.support.stores import open_store
from tests.support.token_service import CAFE, KIOSK, KIOSK_SECRET, SHOP, Place, service
from wxbus.config.settings import StoreSettings
from wxbus.store.generation import RABBITMQ, Losses
from wxbus.tokens import TokenClient
from wxbus_sandbox.models import Fault
from wxbus_token.__main__ import app

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

Run: TypeAlias = Callable[..., Awaitable[Result]]
WRONG = "SECRET-THAT-IS-WRONG-0123456789ab"


@pytest.fixture
async def url(place: Place) -> AsyncIterator[str]:
    """Yield the address of a running service."""
    async with service(place.settings) as url:
        yield url


@pytest.fixture
def run(place: Place, url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command as an operator; `typed` is its input."""
    monkeypatch.setenv("WXBUS_TOKEN_URL", url)
    monkeypatch.setenv("WXBUS_TOKEN_API_KEY", place.admin_key)
    monkeypatch.setenv("COLUMNS", "120")

    async def command(*words: str, typed: str = "", code: int = 0) -> Result:
        result = await asyncio.to_thread(CliRunner().invoke, app, list(words), input=typed)
        assert result.exit_code == code, result.output
        return result

    return command


async def test_status_shows_no_values(place: Place, url: str, run: Run) -> None:
    """The table and the JSON show states, counts, times and reasons, but no token."""
    async with TokenClient.open(url, place.key) as tokens:
        token = await tokens.get(SHOP)
    await place.sandbox.fault(Fault(path="/cgi-bin/stable_token", errcode=40125, times=1))
    assert (await run("get", CAFE, code=1)).stderr.startswith("wxbus_token: /cgi-bin/stable_token: errcode 40125")
    shown = (await run("status")).stdout
    assert re.search(rf"{SHOP} +access_token +valid +(2h 00m|1h 59m) +1h 5\dm +\d/1 +0", shown)
    assert f"{CAFE} access_token: /cgi-bin/stable_token: errcode 40125" in shown
    assert "wrong_secret" in shown
    assert token not in shown
    (line,) = (await run("status", SHOP, "--json")).stdout.splitlines()
    status = json.loads(line)
    assert (status["state"], status["valid"], status["requests_in_day"], status["failures"]) == ("valid", True, 1, 0)
    assert token not in line


async def test_status_shows_data_losses(redis_url: str, namespace: str, run: Run) -> None:
    """A data loss that a service detected is printed before the table."""
    assert (await run("status")).stderr == ""
    async with open_store(redis_url) as store:
        await Losses(store, namespace=namespace, registry=CollectorRegistry()).report(RABBITMQ)
    said = (await run("status", "--json")).stderr
    assert re.fullmatch(r"RabbitMQ lost its data \(detected .* UTC\): messages, retries and dead letters\.\n", said)


async def test_a_token_is_printed_only_by_show_token(place: Place, url: str, run: Run) -> None:
    """`--show-token` prints only the token, so that it can be piped."""
    async with TokenClient.open(url, place.key) as tokens:
        token = await tokens.get(SHOP)
    assert token not in (await run("get", SHOP)).output
    assert (await run("get", SHOP, "--show-token")).stdout == f"{token}\n"


async def test_the_life_of_an_account(place: Place, run: Run) -> None:
    """An account is registered, its secret corrected, its token replaced, and it is removed; no secret is shown."""
    outputs = [
        await run("accounts", "add", "kiosk", KIOSK, typed=f"{WRONG}\n"),
        await run("get", KIOSK, code=1),
        await run("accounts", "rotate", KIOSK, "--secret-file", "-", typed=f"{KIOSK_SECRET}\n"),
        await run("refresh", KIOSK),
    ]
    before = (await run("get", KIOSK, "--show-token")).stdout
    outputs.append(await run("refresh", KIOSK, "--replace"))
    assert (await run("get", KIOSK, "--show-token")).stdout != before
    assert (await place.sandbox.token_counts())[KIOSK].forced == 1
    listed = [json.loads(line) for line in (await run("accounts", "list", "--json")).stdout.splitlines()]
    assert {"kiosk": "registered", "shop": "file"}.items() <= {one["name"]: one["source"] for one in listed}.items()
    outputs += [
        await run("accounts", "list"),
        await run("accounts", "remove", KIOSK, typed="n\n", code=1),
        await run("accounts", "remove", KIOSK, typed="y\n"),
        await run("status", KIOSK, code=1),
        await run("accounts", "remove", SHOP, "--yes", code=1),
    ]
    assert "change this account in the accounts file" in outputs[-1].stderr
    assert "SECRET-" not in "".join(result.output for result in outputs)


async def test_the_life_of_a_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the key is printed to standard output, and its scopes to standard error; it is rotated and revoked."""
    made = await run("keys", "add", "clerk", "--scope", f"token:*:{SHOP}", "--days", "30")
    key = made.stdout.strip()
    assert key not in made.stderr
    assert f"has the scopes token:*:{SHOP}, until 20" in made.stderr
    rotated = (await run("keys", "rotate", "clerk", "--hours", "1")).stdout.strip()
    shown = (await run("keys", "list")).stdout
    assert shown.count("clerk") == 2
    assert key not in shown
    for valid in (key, rotated):
        with monkeypatch.context() as environment:
            environment.setenv("WXBUS_TOKEN_API_KEY", valid)
            await run("get", SHOP)
            assert "may not do this: required: token:status:all" in (await run("status", code=1)).stderr
    assert key[:16] in (await run("keys", "revoke", "clerk", "--yes")).stdout
    monkeypatch.setenv("WXBUS_TOKEN_API_KEY", key)
    assert "does not know the key" in (await run("get", SHOP, code=1)).stderr


@pytest.mark.parametrize(
    ("variable", "value", "words", "code", "error"),
    [
        ("WXBUS_TOKEN_URL", "http://127.0.0.1:9", ("status",), 1, "does not answer at WXBUS_TOKEN_URL"),
        ("WXBUS_TOKEN_URL", "nonsense", ("status",), 2, "WXBUS_TOKEN_URL: must be like http://"),
        ("WXBUS_TOKEN_API_KEY", "", ("status",), 1, "does not know the key"),
        ("WXBUS_TOKEN_API_KEY", None, ("status",), 2, "WXBUS_TOKEN_API_KEY"),
        ("WXBUS_TOKEN_CA_FILE", "nowhere.pem", ("status",), 2, "nowhere.pem"),
        ("COLUMNS", "80", ("keys", "add", "Bad", "--scope", "a:b"), 2, "name: "),
        ("COLUMNS", "80", ("keys", "add", "good", "--scope", "a b"), 2, "scopes.0: not a scope: words of letters"),
        ("COLUMNS", "80", ("refresh", "wx-none"), 1, "no account with this appid"),
    ],
)
async def test_errors_are_one_line(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str | None,
    words: tuple[str, ...],
    code: int,
    error: str,
) -> None:
    """An error of a command is one line without traceback, with the right exit code."""
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    result = await run(*words, code=code)
    assert error in result.stderr
    assert result.stderr.count("\n") == 1


async def test_with_redis_away_status_shows_the_memory(
    place: Place, run: Run, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While Redis is unavailable, `status` shows the state of one instance, and says so."""
    async with proxied(redis_url) as (proxy, proxied_url):
        store = StoreSettings(redis_url=SecretStr(proxied_url), namespace=place.settings.store.namespace)
        async with service(place.settings.model_copy(update={"store": store})) as url:
            monkeypatch.setenv("WXBUS_TOKEN_URL", url)
            await run("get", SHOP)
            await proxy.refuse()
            result = await run("status")
    assert "Redis is unavailable" in result.stderr
    assert "valid" in result.stdout


async def test_the_samples_of_the_documentation(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of docs/how-to/operations.md run in their order, with accounts that exist."""
    ours = {"wx0123456789abcdef": SHOP, "wx9876543210fedcba": KIOSK}
    (tmp_path / "kiosk-secret").write_text(f"{KIOSK_SECRET}\n")
    monkeypatch.chdir(tmp_path)
    sample = the_block(ROOT / "docs/how-to/operations.md", "sh", "wxbus_token status")
    for written, real in ours.items():
        sample = sample.replace(written, real)
    for line in sample.splitlines():
        python, module, name, *words = shlex.split(line, comments=True)
        assert (python, module, name) == ("python", "-m", "wxbus_token")
        await run(*words)
