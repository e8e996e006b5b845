"""Command line: serves the sandbox, or acts as a user of WeChat's. What a command needs is imported when it runs."""

from typing import Annotated, Literal

import typer

from wxbus.runtime.command_line import reporting_errors, run

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
    url: Annotated[
        str, typer.Option(help="The sandbox's address. Default: from WXBUS_SANDBOX_HOST and WXBUS_SANDBOX_PORT.")
    ] = "",
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
