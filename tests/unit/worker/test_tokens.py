"""Handlers take the client of the token service, and tickets, by type."""

import json
from hashlib import sha1

import pytest

from wxbus.wechat.crypto.js_sdk import AgentConfig, JsSdkConfig
from wxbus_worker import (
    Account,
    AccountKind,
    AgentTicket,
    CardTicket,
    JsSdkTicket,
    Reject,
    Router,
    TextMessage,
    TokenClient,
)
from wxbus_worker.testing import FixedTokens, HandlerClient

PAGE = "https://shop.test/"
CORP = Account(name="corp", appid="ww1-7", receive_id="ww1", kind=AccountKind.WECOM, agent_id=7)


def of_page(ticket: str, signed: JsSdkConfig | AgentConfig) -> str:
    """Return the signature of the page by WeChat's rule."""
    text = f"jsapi_ticket={ticket}&noncestr={signed.noncestr}&timestamp={signed.timestamp}&url={PAGE}"
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


async def test_a_handler_takes_the_tickets_of_its_account() -> None:
    """A page is signed with the account's `jsapi` ticket, a card with its `wx_card` ticket."""
    router, signed = Router("pages"), list[JsSdkConfig]()

    @router.text(prefix="https://")
    async def page(message: TextMessage, ticket: JsSdkTicket) -> None:
        signed.append(await ticket.sign(message.content))

    @router.text
    async def card(message: TextMessage, ticket: CardTicket) -> str:
        choice = await ticket.sign_choice(card_id=message.content)
        return f"{await ticket.sign(message.content, code='c1')} {choice.signature}"

    client = HandlerClient(router)
    await client.text(PAGE)
    appid = client.account.appid
    assert [one.appid for one in signed] == [appid]
    assert signed[0].signature == of_page(f"jsapi_ticket-{appid}", signed[0])
    text = (await client.text("card1")).texts[0]
    extension = json.loads(text[: text.rindex(" ")])
    values = (f"wx_card_ticket-{appid}", extension["timestamp"], extension["nonce_str"], "card1", "c1")
    joined = "".join(sorted(values))
    assert extension["signature"] == sha1(joined.encode(), usedforsecurity=False).hexdigest()


async def test_tickets_of_wecom_sign_for_the_corp() -> None:
    """The ticket is that of the application; the page passes the corp, for `agentConfig` also the AgentId."""
    router, signed = Router("pages"), list[JsSdkConfig | AgentConfig]()

    @router.text
    async def page(message: TextMessage, ticket: JsSdkTicket, agent: AgentTicket) -> None:
        signed.extend([await ticket.sign(message.content), await agent.sign(message.content)])

    await HandlerClient(router, account=CORP).text(PAGE)
    config, agent = signed
    assert config.as_json().items() >= {"appId": "ww1", "signature": of_page("jsapi_ticket-ww1-7", config)}.items()
    expected = {"corpid": "ww1", "agentid": 7, "signature": of_page("agent_ticket-ww1-7", agent)}
    assert agent.as_json().items() >= expected.items()
    with pytest.raises(Reject, match="account test has no agent_id: there is no AgentTicket"):
        await HandlerClient(router).text(PAGE)


async def test_a_wrong_page_is_an_error_of_the_handler() -> None:
    """The signature of a text that is not a page's address would be useless: the error names the text."""
    ticket = JsSdkTicket(FixedTokens(), "wx1")
    for wrong in ("shop.test/", "", "javascript:x"):
        with pytest.raises(ValueError, match=f"url '{wrong}': must be that of the page"):
            await ticket.sign(wrong)


async def test_a_handler_takes_the_token_client() -> None:
    """A start hook takes the client, too; `provide` replaces it in tests, and records reports."""
    tokens, router, started = FixedTokens(), Router("pages"), list[TokenClient]()

    @router.on_start
    async def warm(client: TokenClient) -> None:
        started.append(client)

    @router.text
    async def report(account: Account, client: TokenClient) -> None:
        await client.report_invalid(account.appid, await client.get(account.appid))

    async with HandlerClient(router, provide={TokenClient: tokens}) as client:
        await client.text("x")
    assert tokens.reports == [(client.account.appid, f"token-{client.account.appid}")]
    assert started == [tokens]
