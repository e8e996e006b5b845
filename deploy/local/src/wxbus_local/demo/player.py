"""Plays the demo's conversation and prints each step."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from wxbus_local.demo import visit
from wxbus_local.demo.conversation import StepResult, new_openid, play, script, unexpected_replies
from wxbus_sandbox.control.client import SandboxClient


async def play_demo(console: Console, sandbox_url: str, gateway_url: str, *, fresh: bool) -> bool:
    """Play with the stack of this sandbox and this gateway; return whether all steps succeeded.

    A `fresh` stack is new, so it must have fetched each account's access token exactly once.
    """
    steps = script(new_openid())
    succeeded = True
    async with SandboxClient.open(sandbox_url) as sandbox:
        number = 0
        async for result in play(sandbox, steps):
            number += 1
            _print_step(console, number, result)
            succeeded = succeeded and not result.failures
        async for step in visit.play(sandbox, gateway_url, openid=new_openid()):
            number += 1
            _print_visit(console, number, step)
            succeeded = succeeded and not step.failures
        failures = [f"an unexpected reply: {reply}" for reply in await unexpected_replies(sandbox, steps)]
        fetches = {appid: counts.issued for appid, counts in (await sandbox.token_counts()).items()}
    if fresh and set(fetches.values()) != {1}:
        failures.append(f"access tokens must be fetched once for each account, but were: {fetches}")
    console.print(Text.assemble("    access tokens fetched from WeChat: ", ", ".join(map(str, fetches.values())), "\n"))
    _print_failures(console, failures)
    return succeeded and not failures


def _print_step(console: Console, number: int, played: StepResult) -> None:
    result = played.result
    console.print(Text.assemble((f"{number:2}  ", "bold"), (played.step.title, "bold")))
    console.print(Text.assemble("    user    ", (played.step.action, "cyan")))
    for attempt in result.attempts:
        console.print(Text.assemble("    ingress ", attempt.body[:40], (f"  {attempt.ms:.0f} ms", "dim")))
    for sent, reply in zip(played.sent, played.replies, strict=True):
        after = sent.time - result.time
        duration = f"{after:.1f} s" if after >= 1 else f"{after * 1000:.0f} ms"
        console.print(Text.assemble("    reply   ", (reply, "green"), (f"  {duration} after the message", "dim")))
    _print_failures(console, played.failures)
    console.print()


def _print_visit(console: Console, number: int, step: visit.Step) -> None:
    console.print(Text.assemble((f"{number:2}  ", "bold"), (step.title, "bold")))
    console.print(Text.assemble("    page    ", (step.action, "cyan")))
    console.print(Text.assemble("    answer  ", (step.answer, "green"), (f"  {step.ms:.0f} ms", "dim")))
    _print_failures(console, step.failures)
    console.print()


def _print_failures(console: Console, failures: Iterable[str]) -> None:
    for failure in failures:
        console.print(Text.assemble("    ", ("✗ ", "bold red"), failure))
