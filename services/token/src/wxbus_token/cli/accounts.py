"""`accounts`: lists all accounts, and changes those that are registered at run time."""

from typing import Annotated, Literal, TypeAlias

import typer

from wxbus_token.cli.options import AsJson

accounts = typer.Typer(help="Accounts whose credentials are managed.", no_args_is_help=True)

Kind: TypeAlias = Literal["official_account", "mini_program", "component", "wecom"]
"""The values of `wxbus.accounts.models.AccountKind`."""
Appid = Annotated[str, typer.Argument(help="Appid of the account.")]
SecretFile = Annotated[
    typer.FileText | None,
    typer.Option(help="A file with the AppSecret only; - is standard input. Without it the command asks."),
]


@accounts.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show all accounts, those of the accounts file included."""
    from wxbus_token.api.admin import AccountsService
    from wxbus_token.cli import console

    found = console.call(AccountsService, lambda service: service.list()).accounts
    if as_json:
        console.lines(found)
        return
    rows = (
        (account.name, account.appid, account.kind, console.mark(account.source), "yes" if account.has_secret else "no")
        for account in found
    )
    console.table(("name", "appid", "kind", "source", "secret"), rows, empty="no accounts")


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(help="Name that you give the account.")],
    appid: Appid,
    kind: Annotated[Kind, typer.Option(help="Kind of the account.")] = "official_account",
    secret_file: SecretFile = None,
    classic_token: Annotated[bool, typer.Option("--classic-token", help="Fetch by /cgi-bin/token.")] = False,
    receive_id: Annotated[str | None, typer.Option(help="WeCom: the corpid, if the appid differs from it.")] = None,
) -> None:
    """Register an account: its tokens are available at once. Ingress and workers know only the accounts file."""
    from wxbus.accounts.models import AccountKind
    from wxbus_token.api.admin import AccountsService
    from wxbus_token.cli import console

    secret = _secret(secret_file)
    console.call(
        AccountsService,
        lambda service: service.add(
            name=name,
            appid=appid,
            kind=AccountKind(kind),
            secret=secret,
            classic_token=classic_token,
            receive_id=receive_id,
        ),
    )
    typer.echo(f"{name} ({appid}) is registered")


@accounts.command()
def rotate(appid: Appid, secret_file: SecretFile = None) -> None:
    """Give a registered account another AppSecret. The token in use stays valid; `refresh` tries the new secret."""
    from wxbus_token.api.admin import AccountsService
    from wxbus_token.cli import console

    secret = _secret(secret_file)
    console.call(AccountsService, lambda service: service.rotate(appid=appid, secret=secret))
    typer.echo(f"{appid} has another secret; try it with: refresh {appid}")


@accounts.command()
def remove(
    appid: Appid,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove a registered account and its credentials."""
    from wxbus_token.api.admin import AccountsService
    from wxbus_token.cli import console

    if not yes:
        typer.confirm(f"remove {appid}?", abort=True)
    console.call(AccountsService, lambda service: service.remove(appid=appid))
    typer.echo(f"{appid} is removed")


def _secret(file: typer.FileText | None) -> str:
    secret: str = typer.prompt("AppSecret", hide_input=True) if file is None else file.read()
    return secret.strip()
