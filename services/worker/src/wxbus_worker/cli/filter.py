"""Selects dead letters: options that several commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:  # --help does not need it
    from wxbus.bus.dead_letters import DeadLetter


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects dead letters; empty fields match all. Each field is an option of a command."""

    ids: Annotated[list[str] | None, typer.Argument(help="Ids, or their first characters; none: all letters.")] = None
    reason: Annotated[
        str,
        typer.Option(help="reject, attempts, unreadable, poison, undelivered, or one of RabbitMQ: delivery_limit ..."),
    ] = ""
    account: Annotated[str, typer.Option(help="Name of the account.")] = ""
    openid: Annotated[str, typer.Option(help="The user's openid.")] = ""
    error: Annotated[str, typer.Option(help="Part of the error's text.")] = ""
    since: Annotated[datetime | None, typer.Option(help="Died at or after (UTC).")] = None
    until: Annotated[datetime | None, typer.Option(help="Died before (UTC).")] = None

    def __call__(self, letter: "DeadLetter") -> bool:
        """Return whether the letter is selected."""
        return (
            (not self.ids or any(letter.id.startswith(one) for one in self.ids))
            and self.reason in {"", letter.reason}
            and self.account in {"", letter.account}
            and self.openid in {"", letter.openid}
            and self.error.lower() in letter.error.lower()
            and (self.since is None or letter.died_at >= self.since.replace(tzinfo=UTC).timestamp())
            and (self.until is None or letter.died_at < self.until.replace(tzinfo=UTC).timestamp())
        )


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the options of a `Filter` in place of its first parameter."""
    options = list(signature(Filter).parameters.values())
    own = list(signature(command).parameters.values())[1:]

    def run(**given: Any) -> None:
        command(Filter(**{option.name: given.pop(option.name) for option in options}), **given)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__signature__ = Signature([*options, *own])  # type: ignore[attr-defined] # typer reads it
    run.__annotations__ = {one.name: one.annotation for one in (*options, *own)}
    return run
