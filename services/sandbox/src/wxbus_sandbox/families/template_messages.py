"""Template messages and subscription messages: the templates of an account, and what users received."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from wxbus.api.endpoints.subscribe_messages import NO_TITLE, Language, SubscribeMessages, SubscribeTemplate, Value
from wxbus.api.endpoints.template_messages import (
    NO_TEMPLATE,
    MiniProgramPage,
    Template,
    TemplateMessages,
    TemplateValue,
)
from wxbus_sandbox.families.twin import ApiCall, Twin
from wxbus_sandbox.models import Sent
from wxbus_sandbox.rules.responses import ApiError
from wxbus_sandbox.state import Part

MAX_TEMPLATES: Final = 25
TOO_MANY: Final = 45026
TOO_MANY_SUBSCRIBE: Final = 200012


class TemplateState(Part):
    """The templates of one account. Others are accepted too, so that a program can keep its real ids."""

    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}
        self.subscribe_templates: dict[str, SubscribeTemplate] = {}
        self.deleted: set[str] = set()


class TemplateMessagesTwin(Twin, TemplateMessages):
    """Keeps the templates, and records what is sent."""

    async def add_template(self, number: str, keywords: Sequence[str]) -> str:
        """Add a template."""
        state = self.call.state(TemplateState)
        if len(state.templates) >= MAX_TEMPLATES:
            raise ApiError(TOO_MANY)
        added = Template(template_id=secrets.token_urlsafe(32), title=number, content=_content(keywords))
        state.templates[added.template_id] = added
        return added.template_id

    async def templates(self) -> list[Template]:
        """Return the templates."""
        return [*self.call.state(TemplateState).templates.values()]

    async def delete_template(self, template_id: str) -> None:
        """Delete a template."""
        state = self.call.state(TemplateState)
        if state.templates.pop(template_id, None) is None:
            raise ApiError(NO_TEMPLATE)
        state.deleted.add(template_id)

    async def send(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, TemplateValue],
        *,
        url: str | None = None,
        mini_program: MiniProgramPage | None = None,
        client_id: str | None = None,
    ) -> str:
        """Record the message."""
        more = {"url": url, "client_msg_id": client_id, "miniprogram": _dumped(mini_program)}
        _record(self.call, "template", openid, template_id, data, more)
        msg_id = secrets.randbelow(2**62)
        fields = {"MsgID": msg_id, "Status": "success"}
        self.call.results.push(self.call.account, "TEMPLATESENDJOBFINISH", fields, openid=openid)
        return str(msg_id)


class SubscribeMessagesTwin(Twin, SubscribeMessages):
    """Keeps the templates, and records what is sent."""

    async def add_template(self, tid: str, keyword_ids: Sequence[int], purpose: str) -> str:
        """Add a template."""
        state = self.call.state(TemplateState)
        if len(state.subscribe_templates) >= MAX_TEMPLATES:
            raise ApiError(TOO_MANY_SUBSCRIBE)
        content = _content([f"thing{number}" for number in keyword_ids])
        added = SubscribeTemplate(template_id=secrets.token_urlsafe(32), title=purpose or tid, content=content)
        state.subscribe_templates[added.template_id] = added
        return added.template_id

    async def templates(self) -> list[SubscribeTemplate]:
        """Return the templates."""
        return [*self.call.state(TemplateState).subscribe_templates.values()]

    async def delete_template(self, template_id: str) -> None:
        """Delete a template."""
        state = self.call.state(TemplateState)
        if state.subscribe_templates.pop(template_id, None) is None:
            raise ApiError(NO_TITLE)
        state.deleted.add(template_id)

    async def send(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, Value],
        *,
        page: str | None = None,
        state: Literal["formal", "trial", "developer"] = "formal",
        language: Language = "zh_CN",
    ) -> None:
        """Record the message."""
        more = {"page": page, "miniprogram_state": state, "lang": language}
        _record(self.call, "subscribe", openid, template_id, data, more)
        _report(self.call, openid, template_id)

    async def send_notice(
        self,
        openid: str,
        template_id: str,
        data: Mapping[str, Value],
        *,
        page: str | None = None,
        mini_program: MiniProgramPage | None = None,
    ) -> None:
        """Record the message."""
        _record(self.call, "subscribe", openid, template_id, data, {"page": page, "miniprogram": _dumped(mini_program)})
        _report(self.call, openid, template_id)


def _report(call: ApiCall, openid: str, template_id: str) -> None:
    result = {"TemplateId": template_id, "MsgID": secrets.randbelow(2**62), "ErrorCode": 0, "ErrorStatus": "success"}
    call.results.push(
        call.account, "subscribe_msg_sent_event", {"List": [result]}, openid=openid, wrapper="SubscribeMsgSentEvent"
    )


def _record(
    call: ApiCall,
    msgtype: str,
    openid: str,
    template_id: str,
    data: Mapping[str, TemplateValue] | Mapping[str, Value],
    more: Mapping[str, Any],
) -> None:
    """Record a message; raises ApiError if the user does not follow, or if the template was deleted."""
    account = call.account
    call.sandbox.users.check_openid(account.appid, openid)
    if template_id in call.state(TemplateState).deleted:
        raise ApiError(NO_TEMPLATE)
    payload: dict[str, Any] = {
        "touser": openid,
        "template_id": template_id,
        "data": {name: _dumped(value) for name, value in data.items()},
        **{name: value for name, value in more.items() if value is not None},
    }
    call.sandbox.sent.add(
        Sent(
            time=call.sandbox.clock.now(),
            account=account.name,
            appid=account.appid,
            openid=openid,
            msgtype=msgtype,
            payload=payload,
        )
    )


def _dumped(part: TemplateValue | Value | MiniProgramPage | None) -> dict[str, Any] | None:
    return None if part is None else part.model_dump(by_alias=True, exclude_none=True)


def _content(keywords: Sequence[str]) -> str:
    return "\n".join(f"{keyword}: {{{{{keyword}.DATA}}}}" for keyword in keywords)
