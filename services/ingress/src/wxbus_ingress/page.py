"""What a person sees who opens a callback address in a browser: never a secret, never an expected signature.

In plain mode a signature that was shown once would sign any body (broker notes 10).
"""

from collections.abc import Iterable
from html import escape

from aiohttp import web

from wxbus.accounts import Account
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


def known_account(account: Account) -> web.Response:
    """Return the page of an account: what to fill into WeChat's console."""
    rows = (
        ("URL", "the address of this page, with https and its public name / 本页地址"),
        ("Token", "<code>token</code> of the accounts file (not shown here) / 账号文件中的 token（此处不显示）"),
        (
            "EncodingAESKey",
            "<code>aes_key</code> of the accounts file (not shown here) / 账号文件中的 aes_key（此处不显示）",
        ),
        ("Encryption / 加密方式", " or ".join(MODE_NAMES[mode] for mode in account.modes)),
        ("Data format / 数据格式", " or ".join(name.upper() for name in account.formats)),
    )
    problem = "" if account.keys else "<p><b>This account has no token yet: every request is refused.</b></p>"
    return _response(
        200,
        f"<p>WeChat sends the messages and events of the account <b>{escape(account.name)}</b> here. "
        "The account is known; opened in a browser, without WeChat's signature, this address does nothing. / "
        "这是微信向本账号推送消息和事件的地址，账号已配置；没有微信签名的请求不会被处理。</p>"
        f"{problem}<p>In WeChat's console fill in / 请在微信后台填写：</p><table>{_rows(rows)}</table>",
    )


def unknown_account() -> web.Response:
    """Return the page of an address that belongs to no account."""
    return _response(
        404,
        "<p>There is no account of this name. Callback addresses end with an account's name in the accounts file: "
        "<code>/wechat/NAME</code>. / 没有这个名称的账号。</p>",
    )


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)


def _response(status: int, content: str) -> web.Response:
    return web.Response(status=status, text=DOCUMENT.format(content=content), content_type="text/html", headers=HEADERS)
