"""Metrics of the token service; RPC calls are counted by `wxbus.rpc`."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Counters, one set per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fetches = Counter(
            "wxbus_token_fetches_total",
            "Fetches from WeChat: ok, forced, accepted (the reported value again, and valid), without_store (Redis is "
            "unavailable), failed (tried again), refused (an operator must act), stale_fence (not stored)",
            ["kind", "appid", "outcome"],
            registry=registry,
        )
        self.reports = Counter(
            "wxbus_token_reports_total",
            "Reports of invalid values, concurrent ones counted once: rejected, accepted (WeChat accepts the value), "
            "current (could not be checked), stale, unknown, none, over_budget (not checked)",
            ["kind", "appid", "verdict"],
            registry=registry,
        )
