"""What WeChat keeps and decides in each family of endpoints."""

from collections.abc import Mapping
from typing import Final

from wxbus.api.declaration.endpoint import Family
from wxbus.api.endpoints.qr_codes import QrCodes
from wxbus_sandbox.families.qr_codes import QrCodesTwin
from wxbus_sandbox.families.twin import Twin

TWINS: Final[Mapping[type[Family], type[Twin]]] = {
    QrCodes: QrCodesTwin,
}
"""By the family as declared."""
