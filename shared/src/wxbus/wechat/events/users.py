"""Events of users (protocol reference 6.1 and 6.2)."""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Event, Float, Many

SCENE_PREFIX = "qrscene_"
TRADE_PREFIX = "last_trade_no_"


def _after(prefix: str, key: str) -> str:
    return key.removeprefix(prefix) if key.startswith(prefix) else ""


class SubscribeEvent(Event):
    """A user follows the account, possibly after scanning a QR code of the account."""

    event: str = "subscribe"
    event_key: str = ""
    """`qrscene_<scene>` after a QR code, see `scene`; `last_trade_no_<number>` after a payment, see `trade_number`."""
    ticket: str = ""
    """Of the QR code."""

    @property
    def scene(self) -> str:
        """Return the scene of the QR code, or ""."""
        return _after(SCENE_PREFIX, self.event_key)

    @property
    def trade_number(self) -> str:
        """Return the number of the payment before the follow, or ""."""
        return _after(TRADE_PREFIX, self.event_key)


class UnsubscribeEvent(Event):
    """A user no longer follows the account; no reply is possible."""

    event: str = "unsubscribe"


class ScanEvent(Event):
    """A follower scanned a QR code of the account."""

    event: str = "SCAN"
    event_key: str = ""
    ticket: str = ""

    @property
    def scene(self) -> str:
        """Return the scene of the QR code."""
        return self.event_key


class ReportLocationEvent(Event):
    """The location of a follower who allowed it."""

    event: str = "LOCATION"
    latitude: Float = None
    longitude: Float = None
    precision: Float = None


class UserEnterSession(Event):
    """A user opened the customer-service conversation of a Mini Program."""

    event: str = "user_enter_tempsession"
    session_from: str = ""
    """Value that the page's button sets."""


class UserDataEvent(Event):
    """A change of a user's data (protocol reference 6.1); WeChat is the sender, the user is in `open_id`."""

    open_id: str = Field(default="", validation_alias=AliasChoices("OpenID", "openid"), serialization_alias="OpenID")
    union_id: str = Field(default="", alias="UnionID")
    app_id: str = Field(default="", validation_alias=AliasChoices("AppID", "appid"), serialization_alias="AppID")
    plugin_id: str = Field(default="", alias="PluginID")
    open_pid: str = Field(default="", alias="OpenPID")


class UserInfoModifiedEvent(UserDataEvent):
    """A user changed their profile: refresh or delete it."""

    event: str = "user_info_modified"


class UserAuthorizationRevokeEvent(UserDataEvent):
    """A user revoked permissions: delete the data of those in `revoke_info`."""

    event: str = "user_authorization_revoke"
    revoke_info: Many[str] = ()
    """Codes: 1 plate, 2 address, 3 invoice, 4 bluetooth, 5 microphone, 6 nickname and avatar, 7 camera, 8 phone ..."""


class UserAuthorizationCancellationEvent(UserDataEvent):
    """A user closed their WeChat account: delete their data."""

    event: str = "user_authorization_cancellation"


class DebugDemoEvent(Event):
    """The test event of WeChat's console (protocol reference 1.7)."""

    event: str = "debug_demo"
    debug_str: str = Field(default="", alias="debug_str")
