"""The request and the report of a load."""

from collections.abc import Sequence

from pydantic import Field

from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.models import Model


class LoadRequest(Model):
    """Text messages of many users at a fixed rate, which does not depend on the answers (open loop)."""

    account: str = "shop"
    """The account's name in the accounts file."""
    rate: float = Field(default=100, gt=0, le=20_000)
    """Messages a second."""
    users: int = Field(default=100, ge=1, le=1_000_000)
    """Each message is from one of them, at random."""
    seconds: float = Field(default=10, gt=0, le=86_400)
    mode: Mode | None = None
    """By default the account's first mode."""
    replies: bool = True
    """Whether handlers answer each text with a text that contains it."""
    wait: float = Field(default=30, ge=0, le=3600)
    """Seconds after the last message to wait for missing replies."""
    seed: int = 1
    """The same seed: the same users in the same order."""


class Times(Model):
    """Milliseconds."""

    p50: float
    p99: float
    p999: float
    max: float

    @classmethod
    def of(cls, times: Sequence[float]) -> "Times | None":
        """Return the percentiles of times in milliseconds; None without times."""
        if not times:
            return None
        ordered = sorted(times)

        def at(share: float) -> float:
            return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)

        return cls(p50=at(0.5), p99=at(0.99), p999=at(0.999), max=round(ordered[-1], 1))


class LoadReport(Model):
    """The results of a load so far."""

    seconds: float
    """Since the first message."""
    sent: int = 0
    """Messages of users; each is pushed up to three times."""
    accepted: int = 0
    """Messages with an answer that WeChat accepts."""
    refused: int = 0
    """Attempts with another status than 200, or with a wrong answer; WeChat pushes again."""
    late: int = 0
    """Attempts without a complete answer in five seconds."""
    failed: int = 0
    """Messages whose attempts all failed; WeChat shows an outage notice."""
    answers: Times | None = None
    """Of the attempts' answers."""
    expects_replies: bool = True
    replied: int = 0
    """Accepted messages with a reply that contains their text."""
    reply_times: Times | None = None
    """From the push to the reply that the user receives."""
    inverted: int = 0
    """Replies that came after the reply to a later message of the same user, which was sent after the acceptance."""
    repeated: int = 0
    """Further replies to the same message."""
    misdirected: int = 0
    """Replies to another user."""
    lost: int = 0
    """Accepted messages without a reply at the end."""
    done: bool = False

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the broken promises, each with its count."""
        found = {
            "late answers": self.late,
            "messages lost for WeChat": self.failed,
            "lost replies": self.lost,
            "repeated replies": self.repeated,
            "order inversions": self.inverted,
            "replies to other users": self.misdirected,
        }
        return tuple(f"{name}: {count}" for name, count in found.items() if count)
