"""Writes docs/reference/api.md and its Chinese version from the declarations: `make reference`."""

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from tests.support.readme import ROOT
from wxbus.api.calls import Repeat
from wxbus.api.declaration.decorators import endpoints_of
from wxbus.api.declaration.endpoint import Endpoint, Family
from wxbus.api.declaration.fields import FileLimits, MaxBytes, Secret
from wxbus.api.families import all_families
from wxbus.api.wecom.families import WeComFamilies

OPTIONAL: Final = " | None"
PAGES: Final = {"en": ROOT / "docs/reference/api.md", "zh": ROOT / "docs/reference/api.zh-CN.md"}
SOURCE: Final = "../../shared/src/wxbus/api/endpoints"
NAMES: Final = {
    "en": {"official_account": "OA", "mini_program": "MP", "component": "3P", "wecom": "WeCom"},
    "zh": {
        "official_account": "公众号",
        "mini_program": "小程序",
        "component": "第三方平台",
        "wecom": "企业微信",
    },
}
REPEATS: Final = {
    "en": {Repeat.READ: "yes", Repeat.SEND: "if surely not done", Repeat.NEVER: "no"},
    "zh": {Repeat.READ: "是", Repeat.SEND: "确定未执行时", Repeat.NEVER: "否"},
}
HEADS: Final = {
    "en": "| method | what it does | WeChat's endpoint | arguments | result | repeated | its errcodes | accounts |",
    "zh": "| 方法 | 作用 | 微信接口 | 参数 | 返回值 | 自动重试 | 专有错误码 | 账号 |",
}
INTRODUCTION: Final = {
    "en": """# WeChat's API

[中文](api.zh-CN.md)

`WeChatClient` and `WeComClient` have a method for each of {count} endpoints of WeChat and WeCom, in {families}
families: `await client.qr_codes.create_temporary("scene")`. [Calling WeChat's API](../how-to/api.md) shows how to use
them; `client.call` reaches all other endpoints. `make reference` makes this page from the declarations.

* `str[1..64]` is a text of 1 to 64 characters, `str[30 bytes]` one of up to 30 bytes of UTF-8, `int[0..4]` a number,
  `list[str][1..20]` a list. The fields of objects are in the linked modules.
* Repeated: whether a call is made again if WeChat is busy or does not answer.
* Errcodes: those of the endpoint itself; `wxbus.errors` says which exception each one is. Those of all endpoints are in
  the [WeChat protocol](wechat-protocol.md#12-error-codes-and-what-to-do).
* Accounts: OA are Official Accounts, MP Mini Programs, 3P is the third-party platform itself. Handlers of WeCom
  accounts take a `WeComClient`.""",
    "zh": """# 微信 API

[English](api.md)

`WeChatClient` 和 `WeComClient` 为微信和企业微信的 {count} 个接口各提供一个方法，分为 {families} 组：
`await client.qr_codes.create_temporary("scene")`。
用法见[调用微信 API](../how-to/api.zh-CN.md)；其他接口用 `client.call` 调用。本页由 `make reference` 根据接口声明生成。

* `str[1..64]` 是 1 到 64 个字符的文本，`str[30 bytes]` 是按 UTF-8 不超过 30 字节的文本，`int[0..4]` 是数字，
  `list[str][1..20]` 是列表。对象的字段见各组链接的模块。
* 自动重试：微信繁忙或没有应答时是否再次调用。
* 专有错误码：该接口自己的错误码，`wxbus.errors` 说明每个错误码对应的异常；所有接口通用的错误码见
  [微信协议](wechat-protocol.md#12-error-codes-and-what-to-do)。
* 账号：该接口适用于公众号、小程序，还是第三方平台自身，还是企业微信。企业微信账号的处理函数使用 `WeComClient`。""",
}


def render(language: str) -> str:
    """Return the page."""
    families = {**all_families(), **all_families(WeComFamilies)}
    count = sum(len(endpoints_of(family)) for family in families.values())
    introduction = INTRODUCTION[language].format(count=count, families=len(families))
    return "\n\n".join([introduction, *(_section(name, one, language) for name, one in families.items())]) + "\n"


def _section(name: str, family: type[Family], language: str) -> str:
    module = family.__module__.removeprefix("wxbus.api.endpoints.").replace(".", "/")
    summary = _plain((inspect.getdoc(family) or "").partition("\n")[0])
    words = f"{summary} [Source]({SOURCE}/{module}.py)" if language == "en" else f"[源码]({SOURCE}/{module}.py)"
    title = name if language == "en" else f"{name} {family.title}"
    rows = [_row(method, endpoint, family, language) for method, endpoint in endpoints_of(family).items()]
    return "\n".join([f"## {title}", "", words, "", HEADS[language], "| --- " * 8 + "|", *rows])


def _row(method: str, endpoint: Endpoint, family: type[Family], language: str) -> str:
    arguments = ", ".join(f"`{argument}`" for argument in _arguments(endpoint))
    cells = [
        f"`{method}`",
        _plain(endpoint.summary) if language == "en" else endpoint.title,
        f"`{endpoint.method} {endpoint.path}`" + (f" {endpoint.name}" if endpoint.name else ""),
        arguments,
        f"`{described(endpoint.returns)}`",
        REPEATS[language][endpoint.repeat],
        " ".join(map(str, endpoint.errcodes)),
        " ".join(NAMES[language][kind] for kind in endpoint.kinds or family.kinds),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _arguments(endpoint: Endpoint) -> Iterator[str]:
    parameters = inspect.signature(endpoint.function).parameters
    for one in endpoint.parameters:
        default = parameters[one.name].default
        shown = "" if default is inspect.Parameter.empty else f" = {default!r}"
        if isinstance(default, Enum):
            shown = f" = {default.name}"
        yield f"{one.name}: {described(one.hint)}{shown}"


def described(hint: Any) -> str:
    """Return a type with its limits, on one line."""
    if hint is Secret:
        return "SecretStr"
    if get_origin(hint) is Annotated:
        kind, *marks = get_args(hint)
        shown = described(kind)
        return f"{shown.removesuffix(OPTIONAL)}{_limits(marks)}{OPTIONAL if shown.endswith(OPTIONAL) else ''}"
    if get_origin(hint) in {Union, UnionType}:
        return " | ".join(dict.fromkeys(described(one) for one in get_args(hint)))
    if get_origin(hint) is Literal:
        return " | ".join(map(repr, get_args(hint)))
    if get_origin(hint) is not None:
        inner = ", ".join(described(one) for one in get_args(hint) if one is not Ellipsis)
        name = {"Sequence": "list", "Mapping": "dict"}.get(get_origin(hint).__name__, get_origin(hint).__name__)
        return f"{name}[{inner}]"
    return "None" if hint is NoneType else getattr(hint, "__name__", str(hint))


def _limits(marks: list[Any]) -> str:
    lowest = highest = ""
    shown = ""
    for mark in marks:
        for one in mark.metadata if isinstance(mark, FieldInfo) else (mark,):
            lowest = str(getattr(one, "ge", getattr(one, "min_length", lowest)))
            highest = str(getattr(one, "le", getattr(one, "max_length", highest)))
            match one:
                case MaxBytes(limit):
                    shown = f"[{limit} bytes]"
                case FileLimits(limit, suffixes):
                    shown = f"[{limit} bytes{': ' if suffixes else ''}{' '.join(suffixes)}]"
                case _:
                    pass
    return shown or (f"[{lowest}..{highest}]" if lowest or highest else "")


def _plain(text: str) -> str:
    """Return a text without code marks: the Chinese page has other words, and must name the same code."""
    return re.sub(r"`([^`]*)`", r"\1", text)


def write() -> None:
    """Write both pages."""
    for language, page in PAGES.items():
        Path(page).write_text(render(language), encoding="utf-8")


if __name__ == "__main__":
    write()
