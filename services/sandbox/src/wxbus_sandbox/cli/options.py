"""Options of several commands."""

from typing import Annotated, Final, TypeAlias

import typer

USER: Final = "oSandboxUser0000000000000001"

Url: TypeAlias = Annotated[
    str, typer.Option(help="The sandbox's address. Default: from WXBUS_SANDBOX_HOST and WXBUS_SANDBOX_PORT.")
]
AccountName: TypeAlias = Annotated[str, typer.Option(help="The account's name in the accounts file.")]
Openid: TypeAlias = Annotated[str, typer.Option(help="The user's openid.")]
Fields: TypeAlias = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="A field by WeChat's name; can be repeated.")
]
Wait: TypeAlias = Annotated[float, typer.Option(help="Seconds to wait for a reply; 0 does not wait.", min=0)]
