"""What several commands have in common; nothing here takes time to import."""

from typing import Annotated, Final

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON, an object a line, instead of a table.")]

NAME: Final = "wxbus_token: "
"""Stands before the text of an error: in a script's output it says whose it is."""
