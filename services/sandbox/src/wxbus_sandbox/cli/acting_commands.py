"""The commands that act as a user. What they need is imported when they run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_sandbox.cli.options import USER, AccountName, Fields, Openid, Url, Wait

acting = typer.Typer()


@acting.command()
def send(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="The type of message: text, image, ... or event.")],
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The content of a text, or the name of an event, like CLICK.")
    ] = "",
    account: AccountName = "shop",
    authorizer: Annotated[
        str | None, typer.Option(help="For third-party platforms: the appid of the account that has authorised it.")
    ] = None,
    openid: Openid = USER,
    field: Fields = None,
    mode: Annotated[
        Literal["plain", "compatible", "secure"] | None, typer.Option(help="Default: the account's first mode.")
    ] = None,
    form: Annotated[
        Literal["xml", "json"] | None, typer.Option("--format", help="Default: the account's first format.")
    ] = None,
    copies: Annotated[int, typer.Option(help="How often to send the same message.", min=1, max=100)] = 1,
    wait: Wait = 5.0,
    url: Url = "",
) -> None:
    """Send a message to an account as a user, and print the reply."""
    from wxbus_sandbox.cli import send as sending

    try:
        request = sending.request_of(
            kind,
            content,
            sending.fields_of(field or []),
            account=account,
            authorizer_appid=authorizer,
            openid=openid,
            mode=mode,
            format=form,
            copies=copies,
        )
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    with reporting_errors(code=1):
        raise typer.Exit(sending.send(request, url=url, wait=wait))


@acting.command()
def login(
    account: AccountName = "mini",
    openid: Openid = USER,
    phone: Annotated[str, typer.Option(metavar="NUMBER", help="Share this phone number, too.")] = "",
    profile: Annotated[bool, typer.Option("--profile", help="Share the profile, too.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Print a login code only, as `wx.login` gives it.")] = False,
    gateway: Annotated[str, typer.Option(help="The gateway's address. Default: the sandbox knows it.")] = "",
    url: Url = "",
) -> None:
    """Log a user in at the gateway as a Mini Program does, and print the session token."""
    from wxbus_sandbox.cli import login as logging_in

    with reporting_errors(code=1):
        if code:
            logging_in.print_code(account, openid, url=url)
        else:
            logging_in.print_token(account, openid, phone=phone, profile=profile, gateway=gateway, url=url)


@acting.command()
def trigger(
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="The name of the event in any case, like subscribe.")
    ] = "",
    key: Annotated[str, typer.Option(help="EventKey: the key of a menu item, or the scene of a QR code.")] = "",
    account: AccountName = "shop",
    openid: Openid = USER,
    field: Fields = None,
    unknown: Annotated[bool, typer.Option("--any", help="Also send an event that wxbus has no class for.")] = False,
    list_all: Annotated[bool, typer.Option("--list", help="List the names of events.")] = False,
    wait: Wait = 5.0,
    url: Url = "",
) -> None:
    """Push an event of a user, and print the reply."""
    from wxbus_sandbox.cli import events, send

    if list_all:
        typer.echo("\n".join([*events.names(), *events.names(family="component")]))
        return
    try:
        fields = send.fields_of(field or []) | ({"EventKey": key} if key else {})
        request = events.event_request(event, fields, known=not unknown, account=account, openid=openid)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc
    with reporting_errors(code=1):
        raise typer.Exit(send.send(request, url=url, wait=wait))


@acting.command()
def replay(
    push: Annotated[str, typer.Argument(metavar="ID", help="The number that `tail` shows, like 12, or the MsgId.")],
    anew: Annotated[bool, typer.Option("--anew", help="As a new message; otherwise it is a duplicate.")] = False,
    wait: Wait = 5.0,
    url: Url = "",
) -> None:
    """Push a message or an event again, and print the reply."""
    from wxbus_sandbox.cli import send

    with reporting_errors(code=1):
        raise typer.Exit(send.replay(push.removeprefix("#"), anew=anew, url=url, wait=wait))


@acting.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Default: standard output.")] = None,
    account: AccountName = "shop",
    openid: Annotated[list[str] | None, typer.Option(help="Only this user; can be repeated.")] = None,
    url: Url = "",
) -> None:
    """Write what users wrote and received to a file, which `play` and tests play again."""
    from wxbus_sandbox.cli import conversations

    with reporting_errors(code=1):
        conversations.export(account, openid or [], file, url=url)


@acting.command()
def play(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A conversation, as `export` writes it.")],
    account: Annotated[str, typer.Option(help="The account. Default: that of the file.")] = "",
    wait: Annotated[float, typer.Option(help="Seconds to wait for the replies to a message.", min=0)] = 5.0,
    url: Url = "",
) -> None:
    """Play a conversation; the exit code is 1 if a reply is not as in the file."""
    from wxbus_sandbox.cli import conversations

    with reporting_errors(code=1):
        raise typer.Exit(conversations.play(file, account, url=url, wait=wait))
