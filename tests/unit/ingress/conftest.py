"""Ingress over real HTTP, with an outlet in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from tests.support.pushes import AES_KEY, APPID, TOKEN, Push
from wxbus.accounts import Account, AccountKind, Accounts
from wxbus.testing import MemoryOutlet
from wxbus.wechat.callback import Mode
from wxbus_ingress.app import build_app
from wxbus_ingress.http import bound, serving
from wxbus_ingress.settings import Limits

ALL_MODES = (Mode.PLAIN, Mode.COMPATIBLE, Mode.SECURE)


def an_account(name: str, **fields: object) -> Account:
    """An account of the tests; its keys are those of `tests.support.pushes`."""
    return Account.model_validate(
        {
            "name": name,
            "appid": f"{APPID}-{name}",
            "kind": AccountKind.OFFICIAL_ACCOUNT,
            "token": TOKEN,
            "aes_key": AES_KEY,
            "modes": (Mode.SECURE,),
            **fields,
        }
    )


ACCOUNTS = Accounts(
    {
        account.name: account
        for account in (
            an_account("any", appid=APPID, modes=ALL_MODES),
            an_account("shop"),
            an_account("plain", modes=(Mode.PLAIN,), aes_key=None),
            an_account("xmlonly", formats=("xml",)),
            an_account("keyless", token=None, aes_key=None),
            an_account("corp", kind=AccountKind.WECOM),
        )
    }
)


@dataclass
class Ingress:
    """A running ingress, and what to talk to it with."""

    url: str
    port: int
    http: aiohttp.ClientSession
    outlet: MemoryOutlet
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    async def post(self, push: Push, *, account: str = "any") -> tuple[int, str]:
        """Send a push; return status and text of the answer."""
        async with self.http.post(f"{self.url}/wechat/{account}", params=push.query, data=push.body) as answer:
            return answer.status, await answer.text()

    def counted(self, account: str, outcome: str) -> float:
        """Return how many requests were counted."""
        labels = {"account": account, "outcome": outcome}
        return self.registry.get_sample_value("wxbus_ingress_requests_total", labels) or 0


@pytest.fixture
def limits() -> Limits:
    """Limits small enough for a test to break them."""
    return Limits(body_limit=20_000, body_timeout=0.2, budget=2, max_age=300)


@pytest.fixture
async def ingress(limits: Limits) -> AsyncIterator[Ingress]:
    """A running ingress."""
    outlet, registry = MemoryOutlet(), CollectorRegistry()
    app = build_app(limits, ACCOUNTS, outlet, registry=registry)
    async with serving(app, bound("127.0.0.1", 0), grace=1) as port, aiohttp.ClientSession() as http:
        yield Ingress(f"http://127.0.0.1:{port}", port, http, outlet, registry)
