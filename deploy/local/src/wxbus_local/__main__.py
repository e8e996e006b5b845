"""`python -m wxbus_local run` and `demo`: all of wxbus on this machine."""

from typing import Annotated

import typer

from wxbus.runtime import command_line

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="Runs all of wxbus on this machine.")


@cli.command()
def run() -> None:
    """Start token, ingress, workers and the sandbox, and stay until Ctrl-C."""
    from wxbus_local import commands

    commands.run()


@cli.command()
def demo(
    against: Annotated[str, typer.Option(help="Play against a running stack whose sandbox is at this address.")] = "",
) -> None:
    """Start the same, play a conversation, exit 0 only if all of it did what it should."""
    from wxbus_local import commands

    commands.demo(against)


if __name__ == "__main__":
    command_line.run(cli)
