"""WeChat's attempts to push the same thing (protocol reference 4.1)."""

from wxbus.wechat.documents.document import Document, text
from wxbus_ingress.settings import Limits


def attempts_to_come(push: Document, now: float, limits: Limits) -> int:
    """Return how often WeChat pushes this again if it is not answered.

    Which attempt it is, its age says: they are as far apart as WeChat waits. `CreateTime` has whole seconds, so the
    push is up to one second younger than it seems.
    """
    created = text(push, "CreateTime")
    if not created.isdecimal():
        return 0
    before = int((now - int(created) - 0.5) / limits.wechat_waits + 0.5)
    return min(max(limits.wechat_attempts - 1 - before, 0), limits.wechat_attempts - 1)
