"""What operators see of the token service; RPC calls are counted by `wxbus.rpc`."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Counters, one set per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fetches = Counter(
            "wxbus_token_fetches_total",
            "Fetches from WeChat: ok, forced, confirmed (reported, and valid all the same), alone (without Redis), "
            "failed (to be tried again), refused (somebody must act), late",
            ["kind", "appid", "outcome"],
            registry=registry,
        )
        self.reports = Counter(
            "wxbus_token_reports_total",
            "Reports of invalid tokens, joined ones counted once: dead, confirmed (WeChat accepts it), "
            "current (could not be checked), stale, unknown, none, over_budget (not checked)",
            ["kind", "appid", "verdict"],
            registry=registry,
        )
