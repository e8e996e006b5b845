"""What a person sees who opens a callback address in a browser: never a secret, never an expected signature.

In plain mode a signature that was shown once would sign any body (RabbitMQ and Redis reference 10).
"""

from html import escape

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.wechat.callback import Mode

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

DOCUMENT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>wxbus callback address</title>
<style>body{{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em}}
td{{padding:.2em 1em .2em 0;vertical-align:top}}</style></head>
<body><h1>WeChat callback address / 微信回调地址</h1>
{content}
</body></html>
"""

MODE_NAMES = {
    Mode.PLAIN: "plaintext / 明文模式",
    Mode.COMPATIBLE: "compatible / 兼容模式",
    Mode.SECURE: "secure / 安全模式",
}


KNOWN = (
    "<p>WeChat sends the messages and events of the account <b>{name}</b> here. "
    "The account is known; opened in a browser, without WeChat's signature, this address does nothing. / "
    "这是微信向本账号推送消息和事件的地址，账号已配置；没有微信签名的请求不会被处理。</p>"
)
NO_KEYS = "<p><b>This account has no token yet: every request is refused. / 尚未配置 token，请求一律拒绝。</b></p>"
AUTHORIZER = (
    "<p>The account is known{name}. It has authorised the third-party platform <b>{platform}</b>: its messages come to "
    "<code>/wechat/{platform}/$APPID$</code>, nothing is filled in for it alone. / "
    "该账号已授权给第三方平台，消息由平台的地址接收，无需单独填写。</p>"
)
HERE = "the address of this page, with https and its public name / 本页地址"
MESSAGES = "the same and <code>/$APPID$</code> / 本页地址加 <code>/$APPID$</code>"
FROM_FILE = "<code>{0}</code> of the accounts file (not shown here) / 账号文件中的 {0}（此处不显示）"


def known_account(account: Account, *, takes: bool) -> web.Response:
    """Return the page of an account: what to fill into WeChat's console.

    Args:
        account: Whose page it is.
        takes: Whether there are keys, so that callbacks can be taken here.
    """
    if account.component is not None:
        name = "" if account.name == account.component else f", as <b>{escape(account.name)}</b>"
        return _response(200, AUTHORIZER.format(name=name, platform=escape(account.component)))
    known = KNOWN.format(name=escape(account.name)) + ("" if takes else NO_KEYS)
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in _rows(account))
    return _response(200, f"{known}<p>In WeChat's console fill in / 请在微信后台填写：</p><table>{rows}</table>")


def unknown_account() -> web.Response:
    """Return the page of an address that belongs to no account."""
    return _response(
        404,
        "<p>There is no account of this name. Callback addresses end with an account's name in the accounts file: "
        "<code>/wechat/NAME</code>. / 没有这个名称的账号。</p>",
    )


def _rows(account: Account) -> list[tuple[str, str]]:
    """Return the console's fields and what goes into them."""
    match account.kind:
        case AccountKind.COMPONENT:
            return [
                ("Authorisation events / 授权事件接收配置", HERE),
                ("Messages and events / 消息与事件接收配置", MESSAGES),
                ("Token / 消息校验Token", FROM_FILE.format("token")),
                ("Key / 消息加解密Key", FROM_FILE.format("aes_key")),
            ]
        case AccountKind.WECOM:
            return [
                ("URL", HERE),
                ("Token", FROM_FILE.format("token")),
                ("EncodingAESKey", FROM_FILE.format("aes_key")),
            ]
        case _:
            return [
                ("URL", HERE),
                ("Token", FROM_FILE.format("token")),
                ("EncodingAESKey", FROM_FILE.format("aes_key")),
                ("Encryption / 加密方式", " or ".join(MODE_NAMES[mode] for mode in account.modes)),
                ("Data format / 数据格式", " or ".join(name.upper() for name in account.formats)),
            ]


def _response(status: int, content: str) -> web.Response:
    return web.Response(status=status, text=DOCUMENT.format(content=content), content_type="text/html", headers=HEADERS)
