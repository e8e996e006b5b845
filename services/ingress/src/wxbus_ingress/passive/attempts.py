"""WeChat's attempts to push one message (protocol reference 4.1)."""

from wxbus.wechat.documents.document import Document, text
from wxbus_ingress.settings import Limits


def remaining_attempts(push: Document, now: float, limits: Limits) -> int:
    """Return how often WeChat repeats a push that is not answered.

    Attempts are `limits.wechat_timeout` apart, so the age of the push gives their number. `CreateTime` has whole
    seconds: the push may be up to one second younger.
    """
    created = text(push, "CreateTime")
    if not created.isdecimal():
        return 0
    before = int((now - int(created) - 0.5) / limits.wechat_timeout + 0.5)
    return min(max(limits.wechat_attempts - 1 - before, 0), limits.wechat_attempts - 1)
