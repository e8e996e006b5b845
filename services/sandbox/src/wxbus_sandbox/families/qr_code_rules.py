"""Rules for QR codes with URLs of one's own."""

from collections.abc import Sequence
from typing import Final

from wxbus.api.endpoints.qr_code_rules import OpenVersion, QrCodeRule, QrCodeRuleList, QrCodeRules, SubRules
from wxbus_sandbox.families.twin import Twin
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

TAKEN: Final = 85068
NO_RULE: Final = 85073
UNPUBLISHED, PUBLISHED = 1, 2
PUBLICATIONS: Final = 100


class QrCodeRuleState(Part):
    """The rules of one account."""

    def __init__(self) -> None:
        self.rules: dict[str, QrCodeRule] = {}
        """By prefix."""
        self.published = 0


class QrCodeRulesTwin(Twin, QrCodeRules):
    """Keeps the rules."""

    async def save(
        self,
        prefix: str,
        path: str,
        *,
        change: bool = False,
        open_version: OpenVersion = OpenVersion.RELEASE,
        debug_urls: Sequence[str] | None = None,
        sub_rules: SubRules = SubRules.FORBIDDEN,
        appid: str | None = None,
    ) -> None:
        """Keep a rule."""
        rules = self.call.state(QrCodeRuleState).rules
        if change and prefix not in rules:
            raise ApiError(NO_RULE)
        if not change and prefix in rules:
            raise ApiError(TAKEN)
        rules[prefix] = QrCodeRule(
            prefix=prefix,
            path=path,
            state=UNPUBLISHED,
            permit_sub_rule=sub_rules,
            open_version=open_version,
            debug_url=tuple(debug_urls or ()),
        )

    async def rules(self, page: int = 1, *, page_size: int = 200, appid: str | None = None) -> QrCodeRuleList:
        """Return a page of the rules."""
        kept = [*self.call.state(QrCodeRuleState).rules.values()]
        return self._list(kept[(page - 1) * page_size : page * page_size], len(kept))

    async def find(self, prefixes: Sequence[str], *, appid: str | None = None) -> QrCodeRuleList:
        """Return the rules of some prefixes."""
        kept = self.call.state(QrCodeRuleState).rules
        found = [kept[prefix] for prefix in prefixes if prefix in kept]
        return self._list(found, len(found))

    async def delete(self, prefix: str, *, appid: str | None = None) -> None:
        """Forget a rule."""
        self.call.state(QrCodeRuleState).rules.pop(prefix, None)

    async def publish(self, prefix: str) -> None:
        """Publish a rule."""
        state = self.call.state(QrCodeRuleState)
        if prefix not in state.rules:
            raise ApiError(NO_RULE)
        state.rules[prefix] = state.rules[prefix].model_copy(update={"state": PUBLISHED})
        state.published += 1

    def _list(self, rules: list[QrCodeRule], total: int) -> QrCodeRuleList:
        left = PUBLICATIONS - self.call.state(QrCodeRuleState).published
        return QrCodeRuleList(rule_list=tuple(rules), total=total, publications_left=left, enabled=True)
