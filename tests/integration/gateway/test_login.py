"""The way of a Mini Program: login, profile, phone number, logout."""

import asyncio
import base64
import re
import shlex
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner

from tests.support.gateway import OPENID, Gateways, Visitor
from tests.support.proxy import proxied
from tests.support.readme import ROOT, the_block
from wxbus_gateway.users.database import open_database
from wxbus_sandbox.__main__ import cli
from wxbus_sandbox.models import Fault

pytestmark = pytest.mark.integration

PHONE = "13912345678"


async def test_the_first_visit(world: Gateways) -> None:
    """Login, profile and phone number are three steps; each answer says what is known, and nothing that is secret."""
    async with world.running() as visitor:
        visit = visitor()
        seen: list[Any] = [await world.log_in(visit)]
        shared = await world.place.sandbox.user_data("cafe", openid=OPENID, phone=PHONE)
        seen.append(await visit.call("cafe/user-info", shared.user_info))
        seen.append(await visit.call("cafe/phone", {"code": shared.phone["code"]}))
        seen.append(await visit.call("cafe/session"))

    assert [response.status for response in seen] == [200] * 4
    # The sandbox tells a unionid at the login.
    assert [(one.session["profile"], one.session["phone"]) for one in seen] == [
        (True, False),
        (True, False),
        (True, True),
        (True, True),
    ]
    assert all(one.session["expires_in"] > 0 and one.body["result"] == {} for one in seen)
    shown = repr([one.body for one in seen])
    assert OPENID not in shown
    assert PHONE not in shown


async def test_the_commands_of_the_guide(world: Gateways) -> None:
    """The curl commands log a user in and share the phone number, each with what the answers before it have."""
    commands = the_block(ROOT / "docs/how-to/services.md", "sh", "sandbox/login").splitlines()
    found: dict[str, str] = {}
    answers: list[Any] = []
    async with world.running() as visitor:
        sandbox, gateway = world.place.settings.wechat.wechat_api_url, visitor().url
        for command in commands:
            if "orders/create" in command:  # a service of the page's first sample
                continue
            _, _, url, *options, _, body = shlex.split(command.replace('"mini"', '"cafe"'))
            url = url.replace("http://127.0.0.1:8082", sandbox).replace("http://127.0.0.1:8083/mini", f"{gateway}/cafe")
            headers = dict(header.split(": ") for header in options if ": " in header)
            for name, value in found.items():
                headers = {key: text.replace(f"Bearer {name}", f"Bearer {value}") for key, text in headers.items()}
                body = body.replace(f'"{name}"', f'"{value}"')
            async with world.http.post(url, data=body, headers=headers) as response:
                assert response.status == 200, command
                answers.append(await response.json(content_type=None))
            last = answers[-1]
            found |= {"CODE": last["js_code"]} if "js_code" in last else {}
            found |= {"TOKEN": last["session"]["token"]} if "session" in last else {}
            found |= {"PHONE_CODE": last["phone"]["code"]} if "phone" in last else {}
    assert len(answers) == 4
    assert answers[-1]["session"]["phone"]


async def test_the_older_form_of_the_phone_number(world: Gateways) -> None:
    """Encrypted data with its iv, as older base libraries send it, works too."""
    async with world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        shared = await world.place.sandbox.user_data("cafe", openid=OPENID, phone=PHONE)
        older = {name: shared.phone[name] for name in ("encryptedData", "iv")}
        assert (await visit.call("cafe/phone", older)).session["phone"]


async def test_a_session_is_known_on_every_gateway(world: Gateways) -> None:
    """What one gateway learns of the user, another one knows; a logout on one ends the session on both."""
    async with world.running() as one, world.running() as other:
        visit = one()
        await world.log_in(visit)
        shared = await world.place.sandbox.user_data("cafe", openid=OPENID)
        elsewhere = Visitor(visit.http, other().url, visit.token)
        assert not (await elsewhere.call("cafe/session")).session["phone"]
        await visit.call("cafe/phone", {"code": shared.phone["code"]})
        while not (await elsewhere.call("cafe/session")).session["phone"]:
            pass  # announced, at the latest after a second
        assert (await visit.call("cafe/logout")).body == {"result": {}, "session": None}
        while (await elsewhere.call("cafe/session")).status != 401:
            pass


async def test_logout_everywhere(world: Gateways) -> None:
    """One device can end the sessions of all devices of the user, and of no other user."""
    async with world.running() as visitor:
        phones = [visitor() for _ in range(3)]
        for phone in phones:
            await world.log_in(phone)
        stranger = visitor()
        await world.log_in(stranger, openid="oStranger")
        await phones[0].call("cafe/logout", {"everywhere": True})
        assert [(await phone.call("cafe/session")).status for phone in phones] == [401] * 3
        assert (await stranger.call("cafe/session")).status == 200


async def test_every_wrong_code_has_an_answer(world: Gateways) -> None:
    """Used and unknown codes are a 422 with WeChat's errcode, WeChat's limit is a 429, its outage a 503."""
    async with world.running() as visitor:
        visit = visitor()
        code = await world.place.sandbox.js_code("cafe", openid=OPENID)
        await visit.call("cafe/login", {"code": code})
        answers = {}
        for name, sent in {"used": code, "unknown": "x" * 32}.items():
            response = await visitor().call("cafe/login", {"code": sent})
            answers[name] = (response.status, response.body["type"])
        for errcode in (45011, 40226, -1):
            await world.place.sandbox.fault(Fault(path="/sns/jscode2session", errcode=errcode))
            response = await visitor().call("cafe/login", {"code": "y"})
            answers[str(errcode)] = (response.status, response.body["type"])

    kind = "urn:wxbus:problem:wechat"
    assert answers == {
        "used": (422, f"{kind}:40163"),
        "unknown": (422, f"{kind}:40029"),
        "45011": (429, f"{kind}:45011"),
        "40226": (422, f"{kind}:40226"),
        "-1": (503, f"{kind}:-1"),
    }


async def test_outages_are_answered_without_their_reasons(world: Gateways, redis_url: str) -> None:
    """What is unavailable is a 503 that names no host, setting or account; the log does.

    A token service that refuses the gateway's own key must not look like a missing session either: clients would log in
    for ever.
    """
    async with proxied(redis_url) as (proxy, url), proxied(world.settings.token_url) as (tokens, token_url):
        settings: dict[str, Any] = {
            "store": world.settings.store.model_copy(update={"redis_url": SecretStr(url)}),
            "token_url": token_url,
        }
        async with world.running(**settings) as visitor:
            visit = visitor()
            await world.log_in(visit)
            await tokens.refuse()
            with structlog.testing.capture_logs() as logs:
                no_tokens = await world.log_in(visitor())
                await proxy.refuse()
                no_redis = await visitor().call("cafe/login", {"code": "x"}), await visit.call("cafe/session")
        async with world.running(token_api_key=SecretStr("wrong")) as visitor:
            wrong_key = await world.log_in(visitor())
    problem = {"type": "about:blank", "title": "Unavailable", "status": 503}
    for response in (no_tokens, *no_redis, wrong_key):
        assert {name: response.body.get(name) for name in (*problem, "detail")} == {**problem, "detail": None}
        assert int(response.headers["Retry-After"]) > 0
    assert "login.exchange" in next(one["reason"] for one in logs if one["event"] == "rpc.unavailable")


async def test_bad_user_data_is_refused_alike(world: Gateways) -> None:
    """Changed bits, wrong padding, another account's or user's data and old data: one answer, that tells nothing."""
    async with world.running() as visitor:
        visit, bar = visitor(), visitor()
        await world.log_in(visit)
        sandbox = world.place.sandbox
        good = (await sandbox.user_data("cafe", openid=OPENID)).user_info
        await world.log_in(bar, account="bar")
        foreign = (await sandbox.user_data("bar", openid=OPENID)).user_info
        await world.log_in(visitor(), openid="oStranger")
        strangers = (await sandbox.user_data("cafe", openid="oStranger")).user_info
        raw = base64.b64decode(good["encryptedData"])
        changed = base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
        cut = base64.b64encode(raw[:-16]).decode()
        bad = {
            "changed": {**good, "encryptedData": changed},
            "padding": {**good, "encryptedData": cut},
            "no base64": {**good, "encryptedData": "%%%"},
            "another iv": {**good, "iv": foreign["iv"]},
            "another account": foreign,
            "another user": strangers,
            "signature": {**good, "rawData": '{"nickName":"other"}'},
        }
        answers = {name: await visit.call("cafe/user-info", body) for name, body in bad.items()}
        assert (await visit.call("cafe/user-info", good)).status == 200

    first, *others = answers.values()
    assert first.status == 422
    for other in others:
        assert (other.status, other.body["title"], other.body["detail"]) == (
            first.status,
            first.body["title"],
            first.body["detail"],
        )


async def test_a_stale_session_key_asks_for_a_new_login(world: Gateways) -> None:
    """WeChat has replaced the key meanwhile: a 401 that names the login, not a refusal of the data."""
    async with world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        await world.place.sandbox.renew_session_key("cafe", openid=OPENID)
        newer = (await world.place.sandbox.user_data("cafe", openid=OPENID)).user_info
        refused = await visit.call("cafe/user-info", newer)
        await world.log_in(visit)
        fresh = (await world.place.sandbox.user_data("cafe", openid=OPENID)).user_info
        accepted = await visit.call("cafe/user-info", fresh)

    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="cafe", error="invalid_token"')
    assert refused.body["type"] == "urn:wxbus:problem:session-required"
    assert accepted.status == 200


async def test_a_session_does_not_reach_the_data_of_another_user(world: Gateways) -> None:
    """An erased user must log in, also if a restored database has given the id to another user meanwhile."""
    async with world.running() as visitor, open_database(world.settings.database_url.get_secret_value()) as engine:
        visit = visitor()
        await world.log_in(visit)
        shared = await world.place.sandbox.user_data("cafe", openid=OPENID, phone=PHONE)
        for statement in ("UPDATE wxbus_users SET openid = 'oOther'", "DELETE FROM wxbus_users"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
            refused = await visit.call("cafe/phone", {"code": shared.phone["code"]})
            assert (refused.status, refused.body["type"]) == (401, "urn:wxbus:problem:session-required"), statement


async def test_forged_and_foreign_tokens_are_refused(world: Gateways) -> None:
    """A token is valid for its own account only; without or with a wrong one the answer names the scheme."""
    async with world.running() as visitor:
        visit = visitor()
        await world.log_in(visit)
        token = visit.token or ""
        forged = ["", "x", "A" * 43, token[:-1], token + "A", token.swapcase(), "é" * 43]
        for wrong in forged:
            response = await Visitor(visit.http, visit.url).call("cafe/session", Authorization=f"Bearer {wrong}")
            assert response.status == 401, wrong
            assert response.headers["WWW-Authenticate"].startswith('Bearer realm="cafe"')
        assert (await Visitor(visit.http, visit.url, token).call("bar/session")).status == 401
        assert (await Visitor(visit.http, visit.url, token).call("cafe/session")).status == 200


async def test_paths_without_a_method_say_what_there_is(world: Gateways) -> None:
    """Unknown accounts, Official Accounts and unknown paths are a 404; other verbs a 405."""
    async with world.running() as visitor:
        visit = visitor()
        statuses = {
            path: (await visit.call(path)).status
            for path in ("nobody/login", "shop/login", "cafe", "cafe/x", "cafe/x/y", "cafe/session/login", "")
        }
        async with visit.http.get(f"{visit.url}/cafe/login") as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert set(statuses.values()) == {404}


async def test_nothing_secret_is_logged(world: Gateways) -> None:
    """Neither logs nor answers hold session keys, tokens, openids' secrets or phone numbers."""
    with structlog.testing.capture_logs() as logs:
        async with world.running() as visitor:
            visit = visitor()
            await world.log_in(visit)
            shared = await world.place.sandbox.user_data("cafe", openid=OPENID, phone=PHONE)
            await visit.call("cafe/phone", {"code": shared.phone["code"]})
            await visit.call("cafe/phone", {"code": shared.phone["code"]})
    shown = repr(logs)
    for secret in (visit.token or "", PHONE, shared.phone["code"], shared.phone["encryptedData"]):
        assert secret not in shown


async def test_the_command_logs_in_as_a_mini_program_does(world: Gateways) -> None:
    """It prints the token; refusals and gateways that do not answer have exit code 1 and their reason."""
    sandbox = ("--account", "cafe", "--url", world.place.sandbox.url)

    async def login(*arguments: str) -> tuple[int, str, str]:
        with structlog.testing.capture_logs():  # of the services, which run in the same process
            done = await asyncio.to_thread(CliRunner().invoke, cli, ["login", *sandbox, *arguments])
        return done.exit_code, done.stdout.strip(), done.stderr

    code, unknown = await login("--code"), await login()
    assert "knows no gateway: name it with --gateway" in unknown[2]
    async with world.running() as visitor:
        visit = visitor()
        assert (await visit.call("cafe/login", {"code": code[1]})).status == 200
        (guide,) = re.findall(r"wxbus_sandbox login (.*)\)", (ROOT / "docs/how-to/services.md").read_text())
        status, token, state = await login("--gateway", visit.url, "--profile", *shlex.split(guide))
        assert (status, state) == (0, "logged in for 604800 s; known: profile, phone number\n")
        visit.token = token
        assert (await visit.call("cafe/session")).session["phone"]
        refused = await login("--gateway", visit.url, "--account", "shop")
        assert refused == (1, "", "the gateway answers 404: Unknown account\n")
    gone = await login("--gateway", visit.url)
    assert (gone[0], gone[1], "does not answer as a gateway does" in gone[2]) == (1, "", True)
