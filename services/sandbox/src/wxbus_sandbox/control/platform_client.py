"""The part of the client of the control API for WeCom and third-party platforms."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from wxbus_sandbox.control.connection import ControlConnection
from wxbus_sandbox.control.requests import AuthorizerRequest, CustomerRequest, PlatformRequest, PlatformResult
from wxbus_sandbox.models import RobotRequest, RobotResult

STARTED = TypeAdapter(dict[str, int])


class PlatformControl(ControlConnection):
    """Acts as customers and members of WeCom, and as WeChat towards third-party platforms."""

    async def customer(
        self,
        account: str,
        content: str | Mapping[str, Any],
        *,
        type: str = "text",  # noqa: A002 - the name in the API
        **fields: Any,
    ) -> PlatformResult:
        """Let a customer of WeChat Customer Service write; `fields` are those of `CustomerRequest`."""
        given = {"content": content} if isinstance(content, str) else dict(content)
        body = CustomerRequest(account=account, type=type, content=given, **fields)
        return PlatformResult.model_validate_json(await self._post("/sandbox/wecom/customer", body))

    async def robot(
        self,
        account: str,
        content: str | Mapping[str, Any],
        *,
        type: str = "text",  # noqa: A002 - the name in the API
        **fields: Any,
    ) -> RobotResult:
        """Let a member talk to a robot, and return what the member saw; `fields` are those of `RobotRequest`."""
        given = {"content": content} if isinstance(content, str) else dict(content)
        body = RobotRequest(account=account, type=type, content=given, **fields)
        return RobotResult.model_validate_json(await self._post("/sandbox/wecom/robot", body))

    async def component_ticket(self, account: str, *, push: bool = True) -> PlatformResult:
        """Create a component_verify_ticket for a third-party platform, and push it."""
        return await self._platform("ticket", PlatformRequest(account=account, push=push))

    async def authorize(self, account: str, authorizer_appid: str, *, push: bool = True) -> PlatformResult:
        """Authorise a third-party platform for an account; the result's value is the authorisation code."""
        body = AuthorizerRequest(account=account, authorizer_appid=authorizer_appid, push=push)
        return await self._platform("authorize", body)

    async def unauthorize(self, account: str, authorizer_appid: str, *, push: bool = True) -> PlatformResult:
        """Withdraw the authorisation of an account."""
        body = AuthorizerRequest(account=account, authorizer_appid=authorizer_appid, push=push)
        return await self._platform("unauthorize", body)

    async def pushes_started(self) -> dict[str, int]:
        """Return the number of requests for tickets, by platform appid."""
        return STARTED.validate_json(await self._call("GET", "/sandbox/component/pushes_started"))

    async def _platform(self, action: str, body: PlatformRequest) -> PlatformResult:
        return PlatformResult.model_validate_json(await self._post(f"/sandbox/component/{action}", body))
