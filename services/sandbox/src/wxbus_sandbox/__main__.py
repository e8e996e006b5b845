"""Command line: serves the sandbox, or acts as a user of WeChat's. What a command needs is imported when it runs."""

from typing import Annotated, Final, Literal

import typer

from wxbus.runtime.command_line import reporting_errors, run

URL_HELP: Final = "The sandbox's address. Default: from WXBUS_SANDBOX_HOST and WXBUS_SANDBOX_PORT."

cli = typer.Typer(add_completion=False, no_args_is_help=False)


@cli.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve the sandbox: a stand-in for WeChat's API and for WeChat's users."""
    if context.invoked_subcommand is not None:
        return
    from wxbus_sandbox.cli.serve import serve

    with reporting_errors(code=1):
        serve()


@cli.command()
def send(
    kind: Annotated[str, typer.Argument(metavar="TYPE", help="The type of message: text, image, ... or event.")],
    content: Annotated[
        str, typer.Argument(metavar="CONTENT", help="The content of a text, or the name of an event, like CLICK.")
    ] = "",
    account: Annotated[str, typer.Option(help="The account's name in the accounts file.")] = "shop",
    authorizer: Annotated[
        str | None, typer.Option(help="For third-party platforms: the appid of the account that has authorised it.")
    ] = None,
    openid: Annotated[str, typer.Option(help="The user's openid.")] = "oSandboxUser0000000000000001",
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A field by WeChat's name; can be repeated.")
    ] = None,
    mode: Annotated[
        Literal["plain", "compatible", "secure"] | None, typer.Option(help="Default: the account's first mode.")
    ] = None,
    form: Annotated[
        Literal["xml", "json"] | None, typer.Option("--format", help="Default: the account's first format.")
    ] = None,
    copies: Annotated[int, typer.Option(help="How often to send the same message.", min=1, max=100)] = 1,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a reply; 0 does not wait.")] = 5.0,
    url: Annotated[str, typer.Option(help=URL_HELP)] = "",
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


@cli.command()
def load(
    account: Annotated[str, typer.Option(help="The account's name in the accounts file.")] = "shop",
    rate: Annotated[float, typer.Option(help="Messages a second.", min=0.01, max=20_000)] = 100,
    users: Annotated[int, typer.Option(help="Users who write, at random.", min=1)] = 100,
    seconds: Annotated[float, typer.Option(help="Duration.", min=0.01)] = 10,
    mode: Annotated[
        Literal["plain", "compatible", "secure"] | None, typer.Option(help="Default: the account's first mode.")
    ] = None,
    replies: Annotated[
        bool, typer.Option("--replies/--no-replies", help="Whether handlers answer with the text of the message.")
    ] = True,
    patience: Annotated[float, typer.Option(help="Seconds to wait for the last replies.", min=0)] = 30,
    seed: Annotated[int, typer.Option(help="The same seed: the same users in the same order.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    url: Annotated[str, typer.Option(help=URL_HELP)] = "",
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
            patience=patience,
            seed=seed,
        )
        raise typer.Exit(loading.load(request, url=url, as_json=as_json))


@cli.command()
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


if __name__ == "__main__":
    run(cli)
