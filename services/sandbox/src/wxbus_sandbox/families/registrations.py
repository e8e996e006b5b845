"""New Mini Programs of a third-party platform: each registration succeeds, and ends with an event."""

import secrets
from typing import Final, Literal

from wxbus.api.endpoints.registrations import Registrations
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

UNKNOWN: Final = 89250
PENDING: Final = 89251


class RegistrationState(Part):
    """The registrations of one platform."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, str, str], bool] = {}
        """By company and legal person."""


class RegistrationsTwin(Twin, Registrations):
    """Registers companies."""

    async def company(
        self,
        name: str,
        code: str,
        code_type: Literal[1, 2, 3],
        legal_persona_wechat: str,
        legal_persona_name: str,
        *,
        component_phone: str | None = None,
    ) -> None:
        """Begin a registration."""
        platform, done = self.call.account, self.call.state(RegistrationState).done
        key = (name, legal_persona_wechat, legal_persona_name)
        done[key] = False
        appid = f"wx{secrets.token_hex(8)}"
        fields = {
            "appid": appid,
            "status": 0,
            "auth_code": self.call.sandbox.platforms.authorize(platform.appid, appid),
            "msg": "OK",
            "info": {
                "name": name,
                "code": code,
                "code_type": code_type,
                "legal_persona_wechat": legal_persona_wechat,
                "legal_persona_name": legal_persona_name,
                "component_phone": component_phone or "",
            },
        }

        def finish() -> None:
            done[key] = True

        self.call.results.push(platform, "notify_third_fasteregister", fields, before=finish)

    async def company_state(self, name: str, legal_persona_wechat: str, legal_persona_name: str) -> None:
        """Raise ApiError unless the registration is done."""
        done = self.call.state(RegistrationState).done.get((name, legal_persona_wechat, legal_persona_name))
        if not done:
            raise ApiError(UNKNOWN if done is None else PENDING)
