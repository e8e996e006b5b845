"""The page at a callback address in a browser: the values to enter in WeChat's console, in one language.

It shows no secret and no expected signature: in plain mode a signature signs any body (RabbitMQ and
Redis reference 10).
"""

from html import escape
from typing import Final

from aiohttp import web

from wxbus.accounts.models import Account, AccountKind
from wxbus.runtime.languages import Language
from wxbus.wechat.callbacks.keys import Mode

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}

DOCUMENT: Final = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · wxbus</title>
<style>body{{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em;overflow-wrap:anywhere}}
th,td{{padding:.2em 1em .2em 0;vertical-align:top;text-align:left}}th{{font-weight:normal;color:#555}}
@media (max-width:32em){{th,td{{display:block}}td{{padding-bottom:.8em}}}}</style></head>
<body><h1>{title}</h1>
{content}
</body></html>
"""


TEXTS: Final = {
    Language.ENGLISH: {
        "title": "WeChat callback address",
        "known": "<p>WeChat sends the messages and events of the account <b>{name}</b> to this address. The account is "
        "configured. Requests without WeChat's signature are refused.</p>",
        "no_keys": "<p><b>This account has no token yet: every request is refused.</b></p>",
        "authorizer": "<p>The account is configured{name}. It authorised the third-party platform <b>{platform}</b>. "
        "Its messages come to <code>/wechat/{platform}/$APPID$</code>. This account needs no entry of its own.</p>",
        "unknown": "<p>There is no account of this name. A callback address ends with the name of an account in the "
        "accounts file: <code>/wechat/NAME</code>.</p>",
        "fill_in": "<p>Enter in WeChat's console:</p>",
        "here": "the address of this page, with https and its public name",
        "messages": "the same and <code>/$APPID$</code>",
        "from_file": "<code>{0}</code> of the accounts file (not shown here)",
        "or": " or ",
        "authorisation_events": "Authorisation events",
        "messages_and_events": "Messages and events",
        "token": "Token",
        "key": "Key",
        "encryption": "Encryption",
        "format": "Data format",
        Mode.PLAIN: "plaintext",
        Mode.COMPATIBLE: "compatible",
        Mode.SECURE: "secure",
    },
    Language.CHINESE: {
        "title": "微信回调地址",
        "known": "<p>微信把账号 <b>{name}</b> 的消息和事件推送到本地址，账号已配置。没有微信签名的请求一律拒绝。</p>",
        "no_keys": "<p><b>该账号尚未配置 token，所有请求都会被拒绝。</b></p>",
        "authorizer": "<p>账号已配置{name}，并已授权给第三方平台 <b>{platform}</b>，它的消息由 "
        "<code>/wechat/{platform}/$APPID$</code> 接收，无需为它单独填写。</p>",
        "unknown": "<p>没有这个名称的账号。回调地址的最后一段是账号文件里的账号名：<code>/wechat/NAME</code>。</p>",
        "fill_in": "<p>请在微信后台填写：</p>",
        "here": "本页地址，用 https 和公网域名",
        "messages": "同上，再加 <code>/$APPID$</code>",
        "from_file": "账号文件中的 <code>{0}</code>（此处不显示）",
        "or": "或",
        "authorisation_events": "授权事件接收配置",
        "messages_and_events": "消息与事件接收配置",
        "token": "消息校验 Token",
        "key": "消息加解密 Key",
        "encryption": "消息加解密方式",
        "format": "数据格式",
        Mode.PLAIN: "明文模式",
        Mode.COMPATIBLE: "兼容模式",
        Mode.SECURE: "安全模式",
    },
}


def known_account(account: Account, *, has_keys: bool, language: Language) -> web.Response:
    """Return the page of an account: the values to enter in WeChat's console.

    Args:
        account: The account.
        has_keys: Whether it has keys, without which callbacks are refused.
        language: The language of the page.
    """
    texts = TEXTS[language]
    if account.component is not None:
        name = "" if account.name == account.component else f" (<b>{escape(account.name)}</b>)"
        return _response(200, texts["authorizer"].format(name=name, platform=escape(account.component)), language)
    known = texts["known"].format(name=escape(account.name)) + ("" if has_keys else texts["no_keys"])
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in _rows(account, language))
    return _response(200, f"{known}{texts['fill_in']}<table>{rows}</table>", language)


def unknown_account(language: Language) -> web.Response:
    """Return the page of an unknown account."""
    return _response(404, TEXTS[language]["unknown"], language)


def _rows(account: Account, language: Language) -> list[tuple[str, str]]:
    """Return the fields of the console and their values."""
    texts = TEXTS[language]
    token, aes_key = (texts["from_file"].format(field) for field in ("token", "aes_key"))
    if account.kind is AccountKind.COMPONENT:
        return [
            (texts["authorisation_events"], texts["here"]),
            (texts["messages_and_events"], texts["messages"]),
            (texts["token"], token),
            (texts["key"], aes_key),
        ]
    rows = [("URL", texts["here"]), ("Token", token), ("EncodingAESKey", aes_key)]
    if account.kind is AccountKind.WECOM:
        return rows
    return [
        *rows,
        (texts["encryption"], texts["or"].join(texts[mode] for mode in account.modes)),
        (texts["format"], texts["or"].join(name.upper() for name in account.formats)),
    ]


def _response(status: int, content: str, language: Language) -> web.Response:
    text = DOCUMENT.format(language=language, title=TEXTS[language]["title"], content=content)
    return web.Response(status=status, text=text, content_type="text/html", headers=HEADERS)
