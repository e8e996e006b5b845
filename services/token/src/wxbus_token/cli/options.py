"""Options of several commands; this module imports quickly."""

from typing import Annotated, Final

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line, instead of a table.")]

NAME: Final = "wxbus_token: "
"""Prefix of error texts, so that a script's output shows where they come from."""
