"""`accounts`: those registered while the service runs."""

from typing import Annotated, Literal, TypeAlias

import typer

from wxbus_token.cli.options import AsJson

accounts = typer.Typer(help="Accounts that tokens are kept for.", no_args_is_help=True)

Kind: TypeAlias = Literal["official_account", "mini_program", "component", "wecom"]
"""Those of `wxbus.accounts.models.AccountKind`."""
Appid = Annotated[str, typer.Argument(help="Of the account.")]
SecretFile = Annotated[
    typer.FileText | None,
    typer.Option(help="Holds the AppSecret and nothing else; - is standard input. Without it you are asked."),
]


@accounts.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show all accounts, those of the file too."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    found = console.called("accounts", "list", messages.Everything(), messages.AccountList).accounts
    if as_json:
        console.lines(found)
        return
    rows = (
        (one.name, one.appid, one.kind, console.mark(one.source), "yes" if one.has_secret else "no") for one in found
    )
    console.table(("name", "appid", "kind", "source", "secret"), rows, empty="no accounts")


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(help="Our name for it.")],
    appid: Appid,
    kind: Annotated[Kind, typer.Option(help="What WeChat calls it.")] = "official_account",
    secret_file: SecretFile = None,
    classic_token: Annotated[bool, typer.Option("--classic-token", help="Fetch by /cgi-bin/token.")] = False,
    receive_id: Annotated[str | None, typer.Option(help="WeCom: the corpid, if the appid is another.")] = None,
) -> None:
    """Register an account: tokens for it can be had at once. Ingress and workers know accounts by the file alone."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    request = console.made(
        messages.NewAccount,
        name=name,
        appid=appid,
        kind=kind,
        secret=_secret(secret_file),
        classic_token=classic_token,
        receive_id=receive_id,
    )
    console.called("accounts", "add", request, messages.Done)
    typer.echo(f"{name} ({appid}) is registered")


@accounts.command()
def rotate(appid: Appid, secret_file: SecretFile = None) -> None:
    """Give a registered account another AppSecret. The token in use stays; `refresh` tries the new secret now."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    console.called(
        "accounts", "rotate", console.made(messages.NewSecret, appid=appid, secret=_secret(secret_file)), messages.Done
    )
    typer.echo(f"{appid} has another secret; try it with: refresh {appid}")


@accounts.command()
def remove(
    appid: Appid,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a registered account: nobody gets its tokens any more."""
    from wxbus_token.api import messages
    from wxbus_token.cli import console

    if not yes:
        typer.confirm(f"forget {appid}?", abort=True)
    console.called("accounts", "remove", console.made(messages.AccountRequest, appid=appid), messages.Done)
    typer.echo(f"{appid} is forgotten")


def _secret(file: typer.FileText | None) -> str:
    told: str = typer.prompt("AppSecret", hide_input=True) if file is None else file.read()
    return told.strip()
