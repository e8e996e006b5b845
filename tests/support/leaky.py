"""A bot whose handlers fail in every way that could carry a secret or a user's words outside."""

from wxbus_worker import Account, Context, Reject, RetryLater, Router, TextMessage, WeChatClient, reply

router = Router("leaky")


@router.text(prefix="parse ")
async def parse(message: TextMessage) -> None:
    """Python itself quotes what it cannot read."""
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
    """Refuse with the user's words."""
    raise Reject(f"nobody understands {message.content}")


@router.text(prefix="later ")
async def later(message: TextMessage) -> None:
    """Put off with the user's words."""
    raise RetryLater(f"not now: {message.content!r}")


@router.text(prefix="keep ")
async def keep(message: TextMessage, context: Context) -> None:
    """Keep what JSON has no form for, under the user's words as the key."""
    context.storage[message.content] = object()


@router.text(prefix="stranger ")
async def stranger(message: TextMessage, client: WeChatClient) -> None:
    """Send the user's words to somebody who is no user: WeChat refuses."""
    await client.send("nobody", reply.Text(message.content))


@router.text(regex=r"login (?P<code>\w+)")
async def login(code: str, account: Account, client: WeChatClient, context: Context) -> reply.Text:
    """Log in; a code that was used already is WeChat's error."""
    assert account.secret
    session = await client.login(code, account.secret)
    context.storage["session_key"] = session.session_key.get_secret_value()
    return reply.Text("you are in")


@router.text
async def echo(message: TextMessage) -> reply.Text:
    """Answer with the user's words."""
    return reply.Text(message.content)
