"""QR codes with a scene."""

import secrets
from typing import Any, Final

from wxbus.accounts.models import Account
from wxbus.api.endpoints.qr_codes import MONTH, QrCodes, QrTicket
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part, Sandbox

MAX_PERMANENT: Final = 100_000
NO_CODES_LEFT: Final = 45029


class QrCodeState(Part):
    """The QR codes of one account."""

    def __init__(self) -> None:
        self.scenes: dict[str, str] = {}
        """By ticket."""
        self.permanent: dict[str, str] = {}
        """Tickets by scene."""


def fill_scene(sandbox: Sandbox, account: Account, push: dict[str, Any]) -> None:
    """Set the `EventKey` of a push with the `Ticket` of a code that the user scanned, unless it is set."""
    scene = sandbox.part(account.appid, QrCodeState).scenes.get(push.get("Ticket", ""))
    if scene is not None and not push.get("EventKey"):
        push["EventKey"] = scene if str(push.get("Event")).upper() == "SCAN" else f"qrscene_{scene}"


class QrCodesTwin(Twin, QrCodes):
    """Keeps the scene of each ticket."""

    async def create_temporary(self, scene: str, *, expires_in: int = MONTH) -> QrTicket:
        """Create a QR code."""
        return self._create(scene, expires_in)

    async def create_permanent(self, scene: str) -> QrTicket:
        """Create a QR code, or return that of the scene."""
        state = self.call.state(QrCodeState)
        if scene in state.permanent:
            return self._answer(state.permanent[scene], None)
        if len(state.permanent) >= MAX_PERMANENT:
            raise ApiError(NO_CODES_LEFT)
        created = self._create(scene, None)
        state.permanent[scene] = created.ticket
        return created

    async def create_temporary_number(self, scene: int, *, expires_in: int = MONTH) -> QrTicket:
        """Create a QR code; its events carry the number as text."""
        return self._create(str(scene), expires_in)

    async def create_permanent_number(self, scene: int) -> QrTicket:
        """Create a QR code, or return that of the number."""
        return await self.create_permanent(str(scene))

    def _create(self, scene: str, expires_in: int | None) -> QrTicket:
        ticket = f"gQ{secrets.token_urlsafe(60)}"
        self.call.state(QrCodeState).scenes[ticket] = scene
        return self._answer(ticket, expires_in)

    @staticmethod
    def _answer(ticket: str, expires_in: int | None) -> QrTicket:
        return QrTicket(ticket=ticket, url=f"http://weixin.qq.com/q/{ticket[2:24]}", expire_seconds=expires_in)
