"""Builds the public port from its parts."""

import time
from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts.accounts import Accounts
from wxbus.accounts.file import AccountsCallback
from wxbus.bus.ports import Inbox
from wxbus_ingress.accounts.endpoints import Endpoints
from wxbus_ingress.callbacks.dispatch import CallbackDispatcher
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
    ip_allowlist: IpAllowlist | None = None,
    pending: PendingAnswers | None = None,
    clock: Callable[[], float] = time.time,
    registry: CollectorRegistry = REGISTRY,
) -> Server:
    """Return the server that publishes the callbacks of `accounts` to `inbox`; needs a running event loop.

    Args:
        limits: Limits of a request.
        accounts: The accounts at the start.
        inbox: Where callbacks are published.
        on_change: Registers a callback for changed accounts (`AccountsFile.on_change`); None: accounts never change.
        ip_allowlist: The addresses that callbacks are accepted from; None: any address.
        pending: Receives the answers of workers; None: there are no answers.
        clock: Returns the seconds since the epoch.
        registry: Holds the metrics.

    Raises:
        ConfigurationError: The keys of an account are invalid.
    """
    metrics = Metrics(registry)
    endpoints = Endpoints(accounts, limits, metrics)
    if on_change is not None:
        on_change(endpoints.replace)
    responder = PassiveResponder(inbox, pending or PendingAnswers(), limits, metrics)
    dispatcher = CallbackDispatcher(endpoints, inbox, responder, limits, metrics, ip_allowlist, clock)
    return Server(dispatcher, limits, Admission(limits, metrics))
