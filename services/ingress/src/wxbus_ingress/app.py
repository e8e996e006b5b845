"""The public application, put together from the parts it is given."""

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry

from wxbus.accounts import Accounts
from wxbus.bus.ports import Outlet
from wxbus_ingress.callbacks import PATH, Callbacks
from wxbus_ingress.endpoints import Endpoints
from wxbus_ingress.metrics import Metrics
from wxbus_ingress.refusals import refusals
from wxbus_ingress.settings import Limits


def build_app(
    limits: Limits, accounts: Accounts, outlet: Outlet, *, registry: CollectorRegistry = REGISTRY
) -> web.Application:
    """Return the application that takes the callbacks of `accounts` and hands them to `outlet`.

    Raises:
        ConfigurationError: An account's keys cannot be used.
    """
    metrics = Metrics(registry)
    endpoints = Endpoints(accounts, metrics, max_age=limits.max_age or None)
    callbacks = Callbacks(endpoints, outlet, limits, metrics)
    app = web.Application(middlewares=[refusals(endpoints, metrics)], client_max_size=limits.body_limit)
    app.add_routes(
        [
            web.post(PATH, callbacks.receive),
            web.get(PATH, callbacks.verify),
            web.options(PATH, callbacks.options),
        ]
    )
    return app
