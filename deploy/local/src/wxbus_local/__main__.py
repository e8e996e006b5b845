"""The commands `python -m wxbus_local run` and `demo`."""

from typing import Annotated

import typer

from wxbus.runtime import command_line

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="Runs all of wxbus on this machine.")


@cli.command()
def run() -> None:
    """Start the token service, ingress, workers and the sandbox, and run until Ctrl-C."""
    from wxbus_local import commands

    commands.run()


@cli.command()
def demo(
    against: Annotated[str, typer.Option(help="Play against a running stack whose sandbox is at this address.")] = "",
) -> None:
    """Start the same, play a conversation and stop; the exit code is 0 if the conversation succeeded."""
    from wxbus_local import commands

    commands.demo(against)


if __name__ == "__main__":
    command_line.run(cli)
