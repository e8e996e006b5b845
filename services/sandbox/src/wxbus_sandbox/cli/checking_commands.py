"""The commands that check handlers and callback addresses. What they need is imported when they run."""

from typing import Annotated, Literal

import typer

from wxbus.runtime.command_line import reporting_errors
from wxbus_sandbox.cli.options import AccountName, Url

checking = typer.Typer()


@checking.command()
def load(
    account: AccountName = "shop",
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.01, max=20_000)] = 100,
    users: Annotated[int, typer.Option(help="Users who write, at random.", min=1)] = 100,
    seconds: Annotated[float, typer.Option(help="Duration.", min=0.01)] = 10,
    mode: Annotated[
        Literal["plain", "compatible", "secure"] | None, typer.Option(help="Default: the account's first mode.")
    ] = None,
    replies: Annotated[
        bool, typer.Option("--replies/--no-replies", help="Whether handlers answer with the text of the message.")
    ] = True,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the last replies.", min=0)] = 30,
    seed: Annotated[int, typer.Option(help="The same seed: the same users in the same order.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    url: Url = "",
) -> None:
    """Let many users write, and check what they receive; the exit code is 1 if a promise is broken."""
    from wxbus_sandbox.cli import load as loading

    with reporting_errors(code=1):
        request = loading.request_of(
            account=account,
            rate=rate,
            users=users,
            seconds=seconds,
            mode=mode,
            replies=replies,
            wait=wait,
            seed=seed,
        )
        raise typer.Exit(loading.load(request, url=url, as_json=as_json))


@checking.command()
def doctor(
    url: Annotated[str, typer.Option(help="The callback address, like https://your.name/wechat/shop.")],
    token: Annotated[str, typer.Option(envvar="WXBUS_DOCTOR_TOKEN", help="The console's Token.")],
    aes_key: Annotated[
        str, typer.Option(envvar="WXBUS_DOCTOR_AES_KEY", help="The console's EncodingAESKey. Without it: plain mode.")
    ] = "",
    appid: Annotated[str, typer.Option(help="The account's appid; WeCom: the corpid. Secure mode needs it.")] = "",
    kind: Annotated[
        Literal["official_account", "mini_program", "wecom"], typer.Option(help="The type of the account.")
    ] = "official_account",
    form: Annotated[Literal["xml", "json"], typer.Option("--format", help="The format of the pushes.")] = "xml",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document for each check.")] = False,
) -> None:
    """Check a deployed callback address from outside. Its handlers get messages of a user oWxbusDoctor..."""
    from wxbus_sandbox.cli.doctor import doctor as examine

    with reporting_errors():
        raise typer.Exit(examine(url, token=token, aes_key=aes_key, appid=appid, kind=kind, form=form, as_json=as_json))
