"""Command line: serves the sandbox, acts as a user of WeChat, shows callbacks and calls, and checks callback addresses.

What a command needs is imported when it runs.
"""

import typer

from wxbus.runtime.command_line import reporting_errors, run
from wxbus_sandbox.cli.acting_commands import acting
from wxbus_sandbox.cli.checking_commands import checking
from wxbus_sandbox.cli.watching_commands import watching

cli = typer.Typer(add_completion=False, no_args_is_help=False)
for commands in (acting, watching, checking):
    cli.add_typer(commands)


@cli.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve the sandbox: a stand-in for WeChat's API and for WeChat's users."""
    if context.invoked_subcommand is not None:
        return
    from wxbus_sandbox.cli.serve import serve

    with reporting_errors(code=1):
        serve()


if __name__ == "__main__":
    run(cli)
