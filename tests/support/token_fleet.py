"""Several processes of the token service on one Redis, with a WeChat whose tokens live for seconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.support.processes import Service
from tests.support.short_lived import Fetch, ShortLivedWeChat
from wxbus.rpc.auth.keys import new_key
from wxbus.store.keyring import new_encryption_key
from wxbus_local.processes.run import Run
from wxbus_local.servers.ports import free_port

LEASE, TIMEOUT, MARGIN = 6.0, 5.0, 11.0
"""Seconds of the lock's lease, of the timeout of WeChat's API, and of the refresh margin.

They suffice for ten processes on two cores: a process that does not run for the length of its lease counts as frozen.
"""

ACCOUNT = """
[accounts.{appid}]
appid = "{appid}"
kind = "official_account"
classic_token = {classic}
secret = "0123456789abcdef0123456789abcdef"
"""


@dataclass
class Answers:
    """The answers to one caller of one instance and account, in order."""

    numbers: list[int] = field(default_factory=list)
    given: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a token is returned."""
    worst: float = 0.0
    """The longest time in seconds for which a returned token had been superseded."""
    refusals: list[str] = field(default_factory=list)
    """Error answers; connection errors of a killed instance do not count."""


class Fleet:
    """The instances."""

    def __init__(self, wechat: ShortLivedWeChat, key: str) -> None:
        self.wechat = wechat
        self.instances: list[Service] = []
        self._headers = {"Authorization": f"Bearer {key}"}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        run: Run,
        folder: Path,
        wechat: ShortLivedWeChat,
        *,
        redis_url: str,
        namespace: str,
        skews: Sequence[float],
        accounts: Mapping[str, bool],
    ) -> AsyncIterator["Fleet"]:
        """Yield instances that are ready.

        Args:
            run: Ends them with the session.
            folder: For files and logs.
            wechat: Their WeChat; it is served meanwhile.
            redis_url: Their Redis.
            namespace: Of their keys.
            skews: For each instance the seconds by which its wall clock is wrong.
            accounts: For each appid whether its tokens are fetched the classic way.
        """
        key, entry = new_key("fleet", ["token:get:*", "token:report_invalid:*"])
        (folder / "keys.toml").write_text(entry.as_toml(), encoding="utf-8")
        text = "".join(ACCOUNT.format(appid=appid, classic=str(classic).lower()) for appid, classic in accounts.items())
        (folder / "accounts.toml").write_text(text, encoding="utf-8")
        fleet = cls(wechat, key)
        async with AsyncExitStack() as stack:
            api_url = await stack.enter_async_context(wechat.serving())
            common = {
                "WXBUS_REDIS_URL": redis_url,
                "WXBUS_NAMESPACE": namespace,
                "WXBUS_ACCOUNTS_FILE": str(folder / "accounts.toml"),
                "WXBUS_WECHAT_API_TIMEOUT": str(TIMEOUT),
                "WXBUS_TOKEN_LEASE": str(LEASE),
                "WXBUS_TOKEN_WAIT_TIMEOUT": str(5 * LEASE),  # a busy machine may need more than one lease
                "WXBUS_TOKEN_REFRESH_MARGIN": str(MARGIN),
                "WXBUS_TOKEN_ENCRYPTION_KEYS": new_encryption_key("test"),
                "WXBUS_TOKEN_API_KEYS_FILE": str(folder / "keys.toml"),
                "WXBUS_TOKEN_UNLOGGED_METHODS": "token.get",
            }
            for number, skew in enumerate(skews):
                name = f"token{number}"
                port, admin_port = free_port(), free_port()
                env = {
                    "WXBUS_WECHAT_API_URL": f"{api_url}/{name}",
                    "WXBUS_TOKEN_PORT": str(port),
                    "WXBUS_TOKEN_ADMIN_PORT": str(admin_port),
                    **common,
                }
                module = ("-m", "tests.support.skewed", str(skew), "wxbus_token") if skew else ("-m", "wxbus_token")
                ready = f"http://127.0.0.1:{admin_port}/readyz"
                service = Service(run, name, module, port=port, folder=folder, env=env, ready=ready)
                stack.push_async_callback(service.end)
                fleet.instances.append(service)
            await asyncio.gather(*(instance.start() for instance in fleet.instances))
            yield fleet

    def asking(self, fetch: Fetch) -> Service:
        """Return the instance of a fetch, which holds the lock."""
        return next(instance for instance in self.instances if instance.name == fetch.caller)

    async def call(self, instance: Service, method: str, **fields: str) -> tuple[int, dict[str, str]]:
        """Return status and body of a call; raises aiohttp.ClientError if the instance does not run."""
        url = f"http://127.0.0.1:{instance.port}/rpc/token/{method}"
        limit = aiohttp.ClientTimeout(total=60)
        async with aiohttp.request("POST", url, json=fields, headers=self._headers, timeout=limit) as answer:
            return answer.status, await answer.json(content_type=None)

    async def ask_on(self, instance: Service, appid: str, answers: Answers, *, pause: float = 0.05) -> None:
        """Get one account's token from one instance again and again until cancelled, and record the answers."""
        while True:
            try:
                status, body = await self.call(instance, "get", appid=appid)
            except (aiohttp.ClientError, OSError):
                pass  # the instance was killed
            else:
                if status == 200:
                    number, superseded = self.wechat.judge(appid, body["access_token"])
                    answers.numbers.append(number)
                    answers.given.set()
                    answers.worst = max(answers.worst, superseded)
                else:
                    answers.refusals.append(f"{status} {body}")
            await asyncio.sleep(pause)

    def last_words(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(instance.last_words() for instance in self.instances)
