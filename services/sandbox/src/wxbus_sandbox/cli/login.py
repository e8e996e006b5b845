"""The command `login`: a user opens a Mini Program. Only the token, or the code, goes to standard output."""

import asyncio

import aiohttp
import typer

from wxbus.config.settings import load
from wxbus.errors import ConfigurationError
from wxbus_sandbox.control.client import SandboxClient
from wxbus_sandbox.control.visitor import Answer, GatewayRefusal, Visitor
from wxbus_sandbox.settings import Address


def print_code(account: str, openid: str, *, url: str) -> None:
    """Print a login code of the user; raises SandboxFailure."""
    typer.echo(asyncio.run(_code(url, account, openid)))


def print_token(account: str, openid: str, *, phone: str, profile: bool, gateway: str, url: str) -> None:
    """Log in, share what is asked for, and print the session token; the state of the session goes to standard error.

    Raises:
        SandboxFailure: The sandbox does not answer, or rejects the request.
        ConfigurationError: The sandbox knows no gateway, and none is named.
        NoGateway: The gateway does not answer.
        GatewayRefusal: The gateway refuses the login, or what the user shares.
    """
    session = asyncio.run(_session(url, gateway, account, openid, phone=phone, profile=profile))
    known = [name for name, part in (("profile", "profile"), ("phone number", "phone")) if session[part]]
    typer.echo(f"logged in for {session['expires_in']} s; known: {', '.join(known) or 'nothing'}", err=True)
    typer.echo(session["token"])


async def _code(url: str, account: str, openid: str) -> str:
    async with SandboxClient.open(url or load(Address).url) as sandbox:
        return await sandbox.js_code(account, openid=openid)


async def _session(
    url: str, gateway: str, account: str, openid: str, *, phone: str, profile: bool
) -> dict[str, object]:
    async with SandboxClient.open(url or load(Address).url) as sandbox, aiohttp.ClientSession() as http:
        address = gateway or await sandbox.gateway_url()
        if address is None:
            raise ConfigurationError("the sandbox knows no gateway: name it with --gateway")
        visitor = Visitor(http, sandbox, address, account, openid)
        _accepted(await visitor.log_in())
        if profile:
            _accepted(await visitor.share_profile())
        if phone:
            _accepted(await visitor.share_phone(phone))
        return visitor.session


def _accepted(answer: Answer) -> None:
    if answer.status != 200:
        raise GatewayRefusal(f"the gateway answers {answer.text}")
