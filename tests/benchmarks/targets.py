"""What the figures ought to be. A target says what we hold ourselves to; a slow machine fails nothing."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Target:
    """A bound: the figure is to be at least, or at most, this."""

    bound: float
    at_least: bool

    def met_by(self, value: float) -> bool:
        """Whether the figure is as it ought to be."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:,g}"


def at_least(bound: float) -> Target:
    """Return a target for what is better the higher it is."""
    return Target(bound, at_least=True)


def at_most(bound: float) -> Target:
    """Return a target for what is better the lower it is."""
    return Target(bound, at_least=False)


TARGETS: Final = {
    "api/call-vs-bare": at_most(1.5),
    "broadcast/rate-deviation": at_most(2.0),
    "e2e/p50-vs-faststream": at_most(1.0),
    "e2e/p99-vs-faststream": at_most(1.0),
    "gateway/http-vs-bare": at_most(2),
    "ingress/cpu-vs-bare": at_most(4),
    "ingress/cpu-vs-fastapi": at_most(0.25),
    "ingress/p99-ms-half-load": at_most(50),
    "ingress/hostile-p99-ms": at_most(500),
    "ingress/spool-rate": at_least(2_000),
    "worker/cpu-vs-faststream": at_most(0.5),
    "worker/cpu-vs-celery": at_most(0.25),
    "worker/redis-cpu-vs-faststream": at_most(1.2),
    "worker/redis-trips": at_most(1.2),
    "worker/redis-scripts": at_most(1.2),
    "worker/gentle-cpu-vs-faststream": at_most(1.0),
    "worker/cost-flatness": at_most(1.1),
    "worker/flood-p99": at_most(1.1),
    "worker/waiting-p99": at_most(1.1),
    "worker/idle-cpu": at_most(0.3),
    "token/http-vs-bare": at_most(1.43),
    "token/http-half-load-p99-ms": at_most(5),
    "token/amqp-rate": at_least(2_000),
    "token/idle-1000-cpu": at_most(0.5),
}
