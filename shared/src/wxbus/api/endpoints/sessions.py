"""Sessions of Mini Program users, and the data that users share.

Login codes are exchanged by the token service, which has the AppSecret: `wxbus.tokens.services.LoginService`.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, SecretStr

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Id, Key, OpenId, Query, Refused, Secret, Signs, Timestamp, get, post

HMAC: Final[Mapping[str, object]] = {"sig_method": "hmac_sha256"}


SessionKey: TypeAlias = Annotated[Secret, Query("signature"), Signs(), Refused(87009)]
"""The session key of the user; only a signature with it is sent."""
Code: TypeAlias = Annotated[str, Field(min_length=1, max_length=512), Refused(40029)]
"""A code from the Mini Program; valid once, for five minutes."""


class NewSession(Answer):
    """A session that replaces the previous one."""

    openid: str
    session_key: SecretStr


class Watermark(Answer):
    """The account for which WeChat released the data, and when."""

    appid: str
    timestamp: Timestamp


class PhoneNumber(Answer):
    """The phone number of a user."""

    number: str = Field(alias="phoneNumber")
    """With the country code if it is a foreign number."""
    local_number: str = Field(default="", alias="purePhoneNumber")
    """Without the country code."""
    country_code: str = Field(default="", alias="countryCode")
    watermark: Watermark | None = None


class EncryptKey(Answer):
    """A key with which the Mini Program encrypts its own data."""

    encrypt_key: SecretStr
    iv: str
    version: int
    expire_in: int
    """Seconds."""
    create_time: Timestamp


class DataCheck(Answer):
    """Whether WeChat encrypted the data."""

    valid: bool = Field(default=False, alias="vaild")  # WeChat's spelling
    create_time: Timestamp | None = None


class OpenedData(Answer):
    """The data of one cloudID."""

    cloud_id: str
    json_text: str = Field(default="", alias="json")


class RiskRank(Answer):
    """The risk of a user."""

    risk_rank: int
    """0, no risk, to 4."""
    request_id: str = Field(default="", alias="unoin_id")  # WeChat's spelling


class Sessions(Family):
    """Sessions of Mini Program users, and the data that users share."""

    title = "登录态与用户信息"
    kinds = ("mini_program",)

    @get(
        "/wxa/checksession",
        name="checkSessionKey",
        title="检验登录态",
        repeat=Repeat.READ,
        errcodes=(87009,),
        fixed=HMAC,
    )
    async def check(self, openid: OpenId, session_key: SessionKey) -> None:
        """Check that the session key is valid; LoginRequired (87009) if it is not."""

    @get(
        "/wxa/resetusersessionkey",
        name="ResetUserSessionKey",
        title="重置登录态",
        repeat=Repeat.NEVER,
        errcodes=(40097, 87007, 87008, 87009),
        fixed=HMAC,
    )
    async def reset(self, openid: OpenId, session_key: SessionKey) -> NewSession:
        """Replace the session key, for example because it leaked; the previous key is invalid at once."""

    @post(
        "/wxa/business/getuserphonenumber",
        name="getPhoneNumber",
        title="获取手机号",
        repeat=Repeat.SEND,
        errcodes=(40029,),
    )
    async def phone_number(
        self, code: Code, *, openid: OpenId | None = None
    ) -> Annotated[PhoneNumber, Key("phone_info")]:
        """Return the phone number for a code of the phone button, which is not a login code.

        WeChat refuses the code if it is not of the user `openid`.
        """

    @get(
        "/wxa/business/getuserencryptkey",
        name="getUserEncryptKey",
        title="获取用户encryptKey",
        repeat=Repeat.READ,
        errcodes=(87007, 87008, 87009),
        fixed=HMAC,
        older="POST",
    )
    async def encrypt_keys(
        self, openid: OpenId, session_key: SessionKey
    ) -> Annotated[list[EncryptKey], Key("key_info_list")]:
        """Return the user's last keys, up to three, newest first."""

    @post(
        "/wxa/business/checkencryptedmsg",
        name="checkEncryptedData",
        title="检查加密信息",
        repeat=Repeat.READ,
        errcodes=(1, 40097),
    )
    async def check_encrypted_data(
        self,
        digest: Annotated[
            str, Field(pattern=r"^[0-9a-f]{64}$", examples=["0" * 64]), Key("encrypted_msg_hash"), Refused(40097)
        ],
    ) -> DataCheck:
        """Return whether WeChat encrypted data, by the SHA-256 of `encryptedData` in hexadecimal."""

    @get(
        "/wxa/getpaidunionid",
        name="getPaidUnionid",
        title="支付后获取Unionid",
        repeat=Repeat.READ,
        errcodes=(40003, 89002, 89300),
    )
    async def paid_unionid(
        self,
        openid: OpenId,
        *,
        transaction_id: Id | None = None,
        mch_id: Id | None = None,
        out_trade_no: Id | None = None,
    ) -> Annotated[str, Key("unionid")]:
        """Return the unionid of a user who paid in the last five minutes.

        The payment is named by `transaction_id`, or by `mch_id` and `out_trade_no`.
        """

    @post(
        "/wxa/getpluginopenpid",
        name="getPluginOpenPId",
        title="获取插件用户openpid",
        repeat=Repeat.SEND,
        errcodes=(1000, 1001, 1003, 1005, 1007, 1022),
    )
    async def plugin_openpid(self, code: Code) -> Annotated[str, Key("openpid")]:
        """Return the id of a plug-in's user for a code of `wx.pluginLogin`."""

    @post("/wxa/getopendata", name="getOpenData", title="获取cloudID对应的数据", repeat=Repeat.READ)
    async def cloud_data(
        self,
        openid: Annotated[str, Query(), Field(min_length=1, max_length=128), Refused(40003)],
        cloud_ids: Annotated[list[str], Field(min_length=1), Key("cloudid_list")],
    ) -> Annotated[list[OpenedData], Key("data_list")]:
        """Return the data that the Mini Program names by cloudIDs, decrypted."""

    @post(
        "/wxa/getuserriskrank",
        name="getUserRiskRank",
        title="获取用户安全等级",
        repeat=Repeat.READ,
        errcodes=(40003, 40129, 43104, 61010, 61080, 61081, 9410009),
    )
    async def risk_rank(
        self,
        appid: Id,
        openid: OpenId,
        scene: Annotated[Literal[0, 1, 2], Refused(40129)],
        client_ip: Annotated[str, Field(min_length=1, max_length=45)],
        *,
        email_address: str | None = None,
        mobile_no: str | None = None,
        bank_card_no: str | None = None,
        cert_no: str | None = None,
        extended_info: str | None = None,
        is_test: bool | None = None,
    ) -> RiskRank:
        """Return the risk of a user who registers (scene 0), takes part in marketing (1), or publishes (2)."""

    @post(
        "/cgi-bin/soter/verify_signature",
        name="verifySignature",
        title="生物认证秘钥签名验证",
        repeat=Repeat.READ,
    )
    async def verify_biometric_signature(
        self,
        openid: OpenId,
        result: Annotated[str, Field(min_length=1), Key("json_string")],
        signature: Annotated[str, Field(min_length=1), Key("json_signature")],
    ) -> Annotated[bool, Key("is_ok")]:
        """Return whether the results of `wx.startSoterAuthentication` are genuine."""
