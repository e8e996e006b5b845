"""Plays the demo's conversation and prints it step by step; says whether all of it was as it must be."""

from rich.console import Console
from rich.text import Text

from wxbus_local.demo.conversation import Played, a_user, play, script, surplus
from wxbus_sandbox.control.client import SandboxClient


async def demonstrate(console: Console, sandbox_url: str, *, fresh: bool) -> bool:
    """Play against the stack whose sandbox is at `sandbox_url`; return whether every step did what it should.

    With `fresh`, nobody has used the stack before: then each account's token was fetched from WeChat exactly once.
    """
    steps = script(a_user())
    faults: list[str] = []
    async with SandboxClient.open(sandbox_url) as sandbox:
        number = 0
        async for played in play(sandbox, steps):
            number += 1
            show(console, number, played)
            faults += played.faults
        afterwards = [f"a reply nobody asked for: {reply}" for reply in await surplus(sandbox, steps)]
        fetched = {appid: counts.issued for appid, counts in (await sandbox.token_counts()).items()}
        if fresh and set(fetched.values()) != {1}:
            afterwards.append(f"access tokens must be fetched once for each account, were: {fetched}")
    console.print(Text.assemble("    access tokens fetched from WeChat: ", ", ".join(map(str, fetched.values())), "\n"))
    for fault in afterwards:
        console.print(Text.assemble("    ", ("✗ ", "bold red"), fault))
    return not faults and not afterwards


def show(console: Console, number: int, played: Played) -> None:
    """Print one step."""
    result = played.result
    console.print(Text.assemble((f" {number}  ", "bold"), (played.step.title, "bold")))
    console.print(Text.assemble("    user    ", (played.step.does, "cyan")))
    for attempt in result.attempts:
        console.print(Text.assemble("    ingress ", attempt.body[:40], (f"  {attempt.ms:.0f} ms", "dim")))
    for sent, reply in zip(played.sent, played.replies, strict=True):
        after = sent.time - result.time
        took = f"  {after:.1f} s after the message" if after >= 1 else f"  {after * 1000:.0f} ms after the message"
        console.print(Text.assemble("    reply   ", (reply, "green"), (took, "dim")))
    for fault in played.faults:
        console.print(Text.assemble("    ", ("✗ ", "bold red"), fault))
    console.print()
