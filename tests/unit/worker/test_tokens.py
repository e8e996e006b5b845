"""Handlers take the client of the token service by type."""

from wxbus.wechat.crypto.js_sdk import sign_page
from wxbus_worker import Account, Router, TextMessage, TokenClient, reply
from wxbus_worker.testing import FixedTokens, HandlerClient


async def test_a_handler_takes_tokens_and_tickets() -> None:
    """A ticket of the account signs a page; a start hook takes the client too."""
    router = Router("pages")
    started: list[TokenClient] = []

    @router.on_start
    async def warm(tokens: TokenClient) -> None:
        started.append(tokens)

    @router.text
    async def sign(message: TextMessage, account: Account, tokens: TokenClient) -> reply.Text:
        ticket = await tokens.get_ticket(account.appid)
        signed = sign_page(account.appid, ticket, message.content, noncestr="n", timestamp=1)
        return reply.Text(signed.signature)

    async with HandlerClient(router) as client:
        result = await client.text("https://shop.test/")

    appid = client.account.appid
    expected = sign_page(appid, f"jsapi_ticket-{appid}", "https://shop.test/", noncestr="n", timestamp=1)
    assert result.replies == [reply.Text(expected.signature)]
    assert isinstance(started[0], FixedTokens)


async def test_a_test_provides_tokens_of_its_own() -> None:
    """`provide` replaces the tokens; reports are recorded."""
    tokens, router = FixedTokens(), Router("pages")

    @router.text
    async def report(account: Account, tokens: TokenClient) -> None:
        await tokens.report_invalid(account.appid, await tokens.get(account.appid))

    client = HandlerClient(router, provide={TokenClient: tokens})
    await client.text("x")
    assert tokens.reports == [(client.account.appid, f"token-{client.account.appid}")]
