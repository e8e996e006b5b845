"""The codes of `response_url`s, each for one answer to a message (WeCom reference 8.5)."""

from dataclasses import dataclass, field

from wxbus_sandbox.rules.responses import ApiError

WRONG_CODE = 40058


@dataclass(slots=True)
class RobotCodes:
    """The codes of all messages to robots."""

    codes: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    """By code: the robot's name, the member, and when the code expires."""

    def add(self, code: str, account: str, userid: str, until: float) -> None:
        """Add the code of a message."""
        self.codes[code] = (account, userid, until)

    def use(self, code: str, now: float) -> tuple[str, str]:
        """Return robot and member of a code, once; raises ApiError 40058."""
        account, userid, until = self.codes.pop(code, ("", "", 0.0))
        if now >= until:
            raise ApiError(WRONG_CODE, "invalid response_code")
        return account, userid
