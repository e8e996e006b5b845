"""Sessions of Mini Program users: session keys are checked and replaced, phone codes exchanged."""

import hmac

from pydantic import SecretStr

from wxbus.api.endpoints.sessions import NewSession, PhoneNumber, Sessions, Watermark
from wxbus.wechat.crypto.user_data import session_signature
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.rules.user_data import phone_fields

INVALID_SIGNATURE = 87009


class SessionsTwin(Twin, Sessions):
    """Knows the session key of each user's last login."""

    async def check(self, openid: str, session_key: SecretStr) -> None:
        """Check the signature with the session key; only the signature is sent."""
        known = self.call.sandbox.logins.session_key(self.call.account.appid, openid)
        if known is None or not hmac.compare_digest(session_signature(known), session_key.get_secret_value()):
            raise ApiError(INVALID_SIGNATURE)

    async def reset(self, openid: str, session_key: SecretStr) -> NewSession:
        """Replace the session key."""
        await self.check(openid, session_key)
        return NewSession(
            openid=openid, session_key=SecretStr(self.call.sandbox.logins.renew_key(self.call.account.appid, openid))
        )

    async def phone_number(self, code: str, *, openid: str | None = None) -> PhoneNumber:
        """Exchange the code of the phone button."""
        number = self.call.sandbox.user_data.exchange(self.call.account.appid, code, openid)
        watermark = Watermark.model_validate(self.call.sandbox.user_data.watermark(self.call.account.appid))
        return PhoneNumber.model_validate({**phone_fields(number), "watermark": watermark})
