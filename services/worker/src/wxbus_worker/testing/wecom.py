"""WeCom's API in memory."""

from wxbus.accounts.models import Account
from wxbus.api.sends import observed
from wxbus.api.wecom.client import WeComClient
from wxbus.wechat.messages.identity import split_customer
from wxbus.wechat.replies.application import application_message
from wxbus.wechat.replies.kf import kf_message
from wxbus.wechat.replies.reply import AnyReply
from wxbus.wechat.replies.robot import robot_message
from wxbus_worker.testing.wechat import RecordingWeChat

SEND = "/cgi-bin/message/send"


class RecordingWeCom(RecordingWeChat, WeComClient):
    """Records all calls for an account of WeCom. Subclass it to answer calls as a test needs."""

    def __init__(self, account: Account) -> None:
        super().__init__(account.appid)
        self.agent_id = account.agent_id
        self._is_robot = account.is_robot

    async def send(
        self,
        openid: str,
        reply: AnyReply,
        *,
        kf_account: str | None = None,
        message_id: str | None = None,  # noqa: ARG002 - the real one's
    ) -> None:
        """Append the reply to `sent`; refuse what an application, customer service or a robot cannot send."""
        if kf_account is not None:
            raise ValueError("kf_account is for Official Accounts only")
        if self._is_robot:
            robot_message(reply)
        elif split_customer(openid):
            kf_message(reply)
        else:
            application_message(reply)
        with observed(self.appid, openid, reply):
            self._refuse(SEND, openid, reply)
            self.sent.append((openid, reply))
