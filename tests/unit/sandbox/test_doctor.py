"""The command `doctor`: each mistake of a callback address is found, and a right one has none."""

import asyncio
import json
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection
from contextlib import aclosing

import pytest
from aiohttp import web
from typer.testing import CliRunner

from tests.support.clock import AdvancedClock, advanced_loop
from tests.support.sandbox import AES_KEY, TOKEN, an_account, serving
from wxbus.accounts.models import Account, AccountKind
from wxbus.errors import CallbackRejected
from wxbus.wechat.callbacks.crypto import CallbackCrypto
from wxbus.wechat.callbacks.keys import Mode
from wxbus.wechat.callbacks.query import CallbackQuery
from wxbus.wechat.crypto.cipher import Cipher
from wxbus.wechat.crypto.signature import sign
from wxbus.wechat.documents import codec
from wxbus.wechat.documents.codec import Format
from wxbus.wechat.documents.document import Document, text
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.doctor.examination import examine, open_target
from wxbus_sandbox.doctor.findings import Level
from wxbus_sandbox.settings import Rules

SECURE = an_account("shop", AccountKind.OFFICIAL_ACCOUNT, modes=(Mode.SECURE,))
PLAIN = an_account("open", AccountKind.OFFICIAL_ACCOUNT, aes_key=None, modes=(Mode.PLAIN,))
PATIENT = Rules(push_timeout=60)
PATIENCE = {"WXBUS_SANDBOX_PUSH_TIMEOUT": "60"}
"""Enough for any machine."""
SECRETS = {"WXBUS_DOCTOR_TOKEN": TOKEN, "WXBUS_DOCTOR_AES_KEY": AES_KEY}
REPLIED = (
    *("text", "odd text", "empty text", "image", "unknown message"),
    *("duplicates", "duplicates at once", "retry after a closed connection"),
)
"""Checks of messages that this server replies to."""
NOT_HERE = {"address", "answer time"}
"""Checks whose result depends on where the test runs."""


class Server:
    """A server that answers right, except for its mistakes."""

    def __init__(self, account: Account, mistakes: Collection[str] = (), *, clock: AdvancedClock | None = None) -> None:
        self.account = account
        self.mistakes = mistakes
        self.clock = clock or AdvancedClock()
        """Of the loop, for a server that hangs."""
        self.handled: Counter[str] = Counter()
        modes = (Mode.SECURE, Mode.PLAIN) if "downgrade" in mistakes else account.modes
        self.crypto = CallbackCrypto(account.keys, account.effective_receive_id, modes, ("xml", "json"), wecom=False)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=1 << (30 if "reads all" in self.mistakes else 20))
        app.add_routes([web.get("/callback", self.verify), web.post("/callback", self.push)])
        return app

    async def verify(self, request: web.Request) -> web.Response:
        """Answer a verification."""
        query = CallbackQuery.from_mapping(request.query)
        try:
            echo = query.echostr or "" if "echoes all" in self.mistakes else self.crypto.verify_url(query)
        except CallbackRejected:
            return web.Response(status=403)
        return web.json_response(echo) if "echo in quotes" in self.mistakes else web.Response(text=echo)

    async def push(self, request: web.Request) -> web.Response:
        """Answer a push."""
        body, query = await request.read(), CallbackQuery.from_mapping(request.query)
        if "hangs at bombs" in self.mistakes and b"<!DOCTYPE" in body and b"&l9;" in body:
            self.clock.ahead += PATIENT.push_timeout
            await asyncio.Event().wait()
        try:
            document = self._opened(query, body)
        except (CallbackRejected, ET.ParseError) as exc:
            token = f" {TOKEN}" if "shows the token" in self.mistakes else ""
            return web.Response(status=403, text=f"{exc}{token}")
        event = text(document, "Event")
        if event == "wxbus_doctor_event" and "unknown events fail" in self.mistakes:
            return web.Response(status=500)
        if event:
            return web.Response(text="success")
        if "slow" in self.mistakes:
            await asyncio.sleep(60)
        return self._reply(document, query)

    def _opened(self, query: CallbackQuery, body: bytes) -> Document:
        """Return the document; with mistakes without some of the checks."""
        if "unsigned" in self.mistakes and self.account.modes == (Mode.PLAIN,):
            return codec.parse(body)
        if "foreign" in self.mistakes and (encrypted := text(codec.parse(body), "Encrypt")):
            try:
                return self.crypto.open(query, body, now=time.time(), max_age=300).document
            except CallbackRejected:
                if query.msg_signature is None:
                    raise
                return codec.parse(Cipher(AES_KEY, "wx0f0f0f0f0f0f0f0f").decrypt(encrypted))
        if "expands entities" in self.mistakes and b"wxbus-doctor-entity" in body:
            return {child.tag: child.text or "" for child in ET.fromstring(body)}  # noqa: S314 - the mistake
        max_age = 1e9 if "accepts old ones" in self.mistakes else 300
        return self.crypto.open(query, body, now=time.time(), max_age=max_age).document

    def _reply(self, document: Document, query: CallbackQuery) -> web.Response:
        key = text(document, "MsgId")
        self.handled[key] += 1
        number = self.handled[key] if "handles again" in self.mistakes else 1
        reply = codec.render(
            {
                "ToUserName": text(document, "FromUserName"),
                "FromUserName": text(document, "ToUserName"),
                "CreateTime": 1,
                "MsgType": "text",
                "Content": f"{number}. {text(document, 'Content')[:500]}.",
            },
            Format.XML,
        )
        if self.account.modes == (Mode.PLAIN,) or "plain replies" in self.mistakes:
            return web.Response(body=reply)
        opened = Cipher(AES_KEY, self.account.effective_receive_id).encrypt(reply)
        sealed: dict[str, codec.Renderable] = {
            "Encrypt": opened,
            "MsgSignature": sign(TOKEN, "1", query.nonce or "", opened),
            "TimeStamp": 1,
            "Nonce": query.nonce or "",
        }
        return web.Response(body=codec.render(sealed, Format.XML))


async def findings_of(
    account: Account, *mistakes: str, clock: AdvancedClock | None = None
) -> dict[str, tuple[Level, str]]:
    """Return level and text of each check of a server with these mistakes."""
    async with (
        serving(Server(account, mistakes, clock=clock).app()) as port,
        open_target(f"http://127.0.0.1:{port}/callback", account, form=Format.XML, rules=PATIENT) as target,
        aclosing(examine(target)) as found,
    ):
        return {finding.check: (finding.level, finding.text) async for finding in found}


async def test_a_right_server_has_no_failures() -> None:
    """In both modes all checks are made, and only the address of this test is not as in production."""
    for account in (PLAIN, SECURE):
        found = await findings_of(account)
        wrong = {check: text for check, (level, text) in found.items() if level is not Level.OK}
        assert wrong.keys() <= NOT_HERE, wrong
        assert ("downgrade to plain mode" in found) is (account is SECURE)
        assert {"verification", "text", "answer time", "duplicates", "XML bomb", "large document"} <= found.keys()


async def test_each_mistake_is_found() -> None:
    """A server with one mistake has exactly the findings of that mistake."""
    cases: list[tuple[Account, str, dict[str, Level]]] = [
        (PLAIN, "echo in quotes", {"verification": Level.FAILURE, "all other checks": Level.SKIPPED}),
        (PLAIN, "echoes all", {"verification with a wrong signature": Level.FAILURE}),
        (
            PLAIN,
            "unsigned",
            {
                "wrong signature": Level.FAILURE,
                "no signature": Level.FAILURE,
                "push of ten days ago": Level.WARNING,
            },
        ),
        (SECURE, "downgrade", {"downgrade to plain mode": Level.FAILURE}),
        (SECURE, "foreign", {"push for another appid": Level.FAILURE}),
        (SECURE, "plain replies", dict.fromkeys(REPLIED, Level.FAILURE)),
        (PLAIN, "handles again", {"duplicates": Level.FAILURE, "duplicates at once": Level.FAILURE}),
        (PLAIN, "unknown events fail", {"unknown event": Level.FAILURE}),
        (PLAIN, "shows the token", {"text of refusals": Level.FAILURE}),
        (PLAIN, "accepts old ones", {"push of ten days ago": Level.WARNING}),
        (PLAIN, "expands entities", {"XML entity": Level.FAILURE}),
        (PLAIN, "reads all", {"large document": Level.WARNING}),
    ]
    for account, mistake, expected in cases:
        found = await findings_of(account, mistake)
        wrong = {check: level for check, (level, _) in found.items() if level is not Level.OK and check not in NOT_HERE}
        assert wrong == expected, (mistake, found)


async def test_an_address_without_a_server_is_told_in_words() -> None:
    """No name, no server and no TLS at the address each have words of their own, and end the examination."""
    async with serving(Server(PLAIN).app()) as port:
        for url, reason in (
            (f"https://127.0.0.1:{port}/callback", "no TLS connection"),
            ("http://127.0.0.1:1/callback", "does a server listen"),
            ("http://doctor.invalid/callback", "does not resolve"),
        ):
            async with open_target(url, PLAIN, form=Format.XML, rules=PATIENT) as target:
                found = {finding.check: finding async for finding in examine(target)}
            assert found["verification"].level is Level.FAILURE
            assert reason in found["verification"].text, found["verification"]
            assert "all other checks" in found


async def test_a_server_that_hangs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer a bomb in time fails that check, and the others go on."""
    found = await findings_of(PLAIN, "hangs at bombs", clock=advanced_loop(monkeypatch))
    assert found["XML bomb"][0] is Level.FAILURE
    assert "deep document" in found


def test_the_command_prints_a_line_for_each_check() -> None:
    """The exit code is 1 for a failure; `--json` prints a document for each check; secrets are asked for by name."""

    async def checked(mistakes: tuple[str, ...], *arguments: str) -> tuple[int, str, str]:
        async with serving(Server(SECURE, mistakes).app()) as port:
            url = f"http://127.0.0.1:{port}/callback"
            command = ["doctor", "--url", url, "--appid", "wxshop", *arguments]
            result = await asyncio.to_thread(CliRunner().invoke, cli, command, env={**PATIENCE, **SECRETS})
            return result.exit_code, result.stdout, result.stderr

    code, output, _ = asyncio.run(checked(()))
    assert code == 0, output
    lines = output.splitlines()
    assert any(line.startswith("ok") and "verification" in line for line in lines)
    assert lines[-1].endswith("0 failures")
    assert TOKEN not in output
    assert AES_KEY not in output

    code, output, _ = asyncio.run(checked(("downgrade",), "--json"))
    found = {line["check"]: line for line in map(json.loads, output.splitlines())}
    assert (code, found["downgrade to plain mode"]["level"]) == (1, "failure")

    for arguments, reason in (
        (["--url", "http://h/", "--token", "t" * 5, "--aes-key", AES_KEY], "--appid"),
        (["--url", "nonsense", "--token", "t" * 5], "--url"),
        (["--url", "http://h/", "--token", "t" * 5, "--aes-key", "short", "--appid", "wx1"], "aes_key"),
    ):
        result = CliRunner().invoke(cli, ["doctor", *arguments])
        assert result.exit_code == 2, result.output
        assert reason in result.output
