"""The commands `python -m wxbus_local run` and `demo`."""

from typing import Annotated

import typer

from wxbus.runtime import command_line

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="Runs all of wxbus on this machine.")


@cli.command()
def run() -> None:
    """Start the token service, ingress, workers, the gateway and the sandbox, and run until Ctrl-C."""
    from wxbus_local import commands

    commands.run()


@cli.command()
def demo(
    against: Annotated[str, typer.Option(help="Play against a running stack whose sandbox is at this address.")] = "",
    gateway: Annotated[str, typer.Option(help="Address of the gateway of that stack.")] = "http://127.0.0.1:8083",
) -> None:
    """Start the same, play a conversation and stop; the exit code is 0 if the conversation succeeded."""
    from wxbus_local import commands

    commands.demo(against, gateway)


if __name__ == "__main__":
    command_line.run(cli)
