"""A bot whose handlers fail in ways that could expose secrets or message texts."""

from wxbus_worker import Account, Context, Reject, RetryLater, Router, TextMessage, WeChatClient, reply

router = Router("leaky")


@router.text(prefix="parse ")
async def parse(message: TextMessage) -> None:
    """Raise an error in which Python quotes the text."""
    int(message.content)


@router.text(prefix="raise ")
async def fail(message: TextMessage, account: Account, context: Context) -> None:
    """Chain errors that quote the message and the account."""
    try:
        context.storage[message.content]
    except KeyError as exc:
        raise ValueError(f"{message!r} of {account!r}: {message.content}") from exc


@router.text(prefix="reject ")
async def reject(message: TextMessage) -> None:
    """Raise Reject with the text."""
    raise Reject(f"cannot handle {message.content}")


@router.text(prefix="later ")
async def later(message: TextMessage) -> None:
    """Raise RetryLater with the text."""
    raise RetryLater(f"not now: {message.content!r}")


@router.text(prefix="keep ")
async def keep(message: TextMessage, context: Context) -> None:
    """Store a value that JSON cannot represent, with the text as key."""
    context.storage[message.content] = object()


@router.text(prefix="stranger ")
async def stranger(message: TextMessage, client: WeChatClient) -> None:
    """Send the text to an unknown openid: WeChat refuses."""
    await client.send("nobody", reply.Text(message.content))


@router.text(regex=r"login (?P<code>\w+)")
async def login(code: str, account: Account, client: WeChatClient, context: Context) -> reply.Text:
    """Exchange a login code; WeChat refuses a used one."""
    assert account.secret
    query = {"appid": account.appid, "secret": account.secret.get_secret_value(), "js_code": code}
    query["grant_type"] = "authorization_code"
    session = await client.call("GET", "/sns/jscode2session", params=query, token=False)
    context.storage["session_key"] = session["session_key"]
    return reply.Text("you are in")


@router.text
async def echo(message: TextMessage) -> reply.Text:
    """Reply with the text."""
    return reply.Text(message.content)
