"""The public application, put together from the parts it is given."""

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsCallback
from wxbus.bus.ports import Inbox
from wxbus_ingress.accounts.endpoints import Endpoints
from wxbus_ingress.callbacks.dispatch import Callbacks
from wxbus_ingress.callbacks.errors import ErrorResponses
from wxbus_ingress.callbacks.ip_allowlist import IpAllowlist
from wxbus_ingress.http.admission import Admission
from wxbus_ingress.http.server import Server
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.passive.pending import PendingAnswers
from wxbus_ingress.passive.responder import PassiveResponder
from wxbus_ingress.settings import Limits


def build_app(
    limits: Limits,
    accounts: Accounts,
    inbox: Inbox,
    *,
    on_change: Callable[[AccountsCallback], None] | None = None,
    sources: IpAllowlist | None = None,
    waiting: PendingAnswers | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> Server:
    """Return the server that takes the callbacks of `accounts` and hands them to `inbox`; needs a running loop.

    Args:
        limits: What a request may take.
        accounts: The first ones.
        inbox: Where callbacks go.
        on_change: Registers callbacks for changed accounts (`AccountsFile.on_change`); None if accounts never change.
        sources: The addresses that callbacks are taken from; None: any.
        waiting: Those who wait for workers' answers; None: none ever come.
        registry: Holds the metrics.

    Raises:
        ConfigurationError: An account's keys cannot be used.
    """
    metrics = Metrics(registry)
    endpoints = Endpoints(accounts, limits, metrics)
    if on_change is not None:
        on_change(endpoints.replace)
    answering = PassiveResponder(inbox, waiting or PendingAnswers(), limits, metrics)
    callbacks = Callbacks(endpoints, inbox, answering, limits, metrics, sources)
    return Server(ErrorResponses(callbacks, endpoints, metrics), limits, Admission(limits, metrics))
