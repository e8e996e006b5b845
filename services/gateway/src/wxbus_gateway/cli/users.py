"""`python -m wxbus_gateway users`: shows, exports and erases one user."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from wxbus.runtime.command_line import reporting_errors

T = TypeVar("T")

users = typer.Typer(help="Users in the gateway's database.", no_args_is_help=True)

UserId = Annotated[int, typer.Argument(help="Id of the user, as `find` prints it.")]


@users.command()
def find(
    account: Annotated[str, typer.Argument(help="Name of the account.")],
    openid: Annotated[str, typer.Option(help="The user's openid.")] = "",
    uid: Annotated[str, typer.Option(help="Your own id of the user.")] = "",
    phone: Annotated[str, typer.Option(help="Phone number with its country code, such as +8613800138000.")] = "",
) -> None:
    """Print the ids of users, by one of openid, uid and phone number."""

    async def work(opened: Any) -> list[Any]:
        appid = opened.appid(account)
        if openid:
            found = await opened.users.find(appid, openid)
            return [found] if found else []
        if uid:
            return list(await opened.users.find_by_uid(appid, uid))
        return list(await opened.users.find_by_phone(appid, opened.phone(phone)))

    if sum(map(bool, (openid, uid, phone))) != 1:
        raise typer.BadParameter("give one of --openid, --uid and --phone")
    ids = [user.id for user in _run(work)]
    if not ids:
        typer.echo(f"no such user of {account}", err=True)
        raise typer.Exit(1)
    typer.echo("\n".join(map(str, ids)))


@users.command()
def show(user_id: UserId) -> None:
    """Print what is known of a user, without the phone number."""
    user = _run(lambda opened: opened.required(user_id))
    for name, value in asdict(user).items():
        shown = "known" if name == "phone" and value else value
        typer.echo(f"{name:12} {'-' if shown is None else shown}")


@users.command()
def export(user_id: UserId) -> None:
    """Print all that is known of a user as JSON, for a user who asks for it by law."""
    user = _run(lambda opened: opened.required(user_id))
    fields = {**asdict(user), "profile": user.profile and user.profile.model_dump()}
    fields["phone"] = user.phone and user.phone.international
    typer.echo(json.dumps(fields, ensure_ascii=False, indent=2, default=datetime.isoformat))


@users.command()
def erase(
    user_id: UserId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False
) -> None:
    """Delete a user's data in gateways, and end the user's sessions; print the command for the data in workers."""
    user = _run(lambda opened: opened.required(user_id))
    if not yes:
        typer.confirm(f"Delete all that is known of user {user_id}?", abort=True)
    ended = _run(lambda opened: opened.erase(user))
    typer.echo(f"user {user_id} is erased; {ended} sessions ended")
    typer.echo("The context of the user's messages is left. This command drops it:")
    typer.echo(f"python -m wxbus_worker context drop {user.appid} {user.openid} --yes")


def _run(work: Callable[[Any], Awaitable[T]]) -> T:
    from wxbus_gateway.cli.opened import opened

    async def run() -> T:
        async with opened() as parts:
            return await work(parts)

    with reporting_errors():
        return asyncio.run(run())
