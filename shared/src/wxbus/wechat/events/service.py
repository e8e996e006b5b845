"""Human customer service (protocol reference 6.1)."""

from wxbus.wechat.messages.base import Event


class CustomerServiceCreateSessionEvent(Event):
    """A human agent started a session with a user."""

    event: str = "kf_create_session"
    kf_account: str = ""


class CustomerServiceCloseSessionEvent(Event):
    """A human agent ended a session."""

    event: str = "kf_close_session"
    kf_account: str = ""
    close_type: str = ""


class CustomerServiceSwitchSessionEvent(Event):
    """A human agent transferred a session to another."""

    event: str = "kf_switch_session"
    from_kf_account: str = ""
    to_kf_account: str = ""
