"""The address itself, and its verification by WeChat's console (protocol reference 1.1, 1.2)."""

from collections.abc import AsyncGenerator
from typing import Final

from yarl import URL

from wxbus.wechat.crypto.signature import sign
from wxbus_sandbox.doctor.findings import Finding, failure, ok, warning
from wxbus_sandbox.doctor.target import Target
from wxbus_sandbox.pushes.exchange import Exchange

PORTS: Final = {"http": 80, "https": 443}
BOM: Final = b"\xef\xbb\xbf"


async def check_address(target: Target) -> AsyncGenerator[Finding]:
    """Check scheme and port, and the answers to a verification with a right and with a wrong signature."""
    yield _address(URL(target.url))
    query, echo = target.encoder.verification(now=float(target.signed()["timestamp"]))
    response = await target.call("GET", query)
    yield _verification(response, echo)
    name = "msg_signature" if target.is_wecom else "signature"
    forged = await target.call("GET", {**query, name: sign("another token", query["timestamp"], query["nonce"])})
    check = "verification with a wrong signature"
    if forged.status == 200 and echo.encode() in forged.body:
        yield failure(check, "returns echostr: anybody can verify an address at this server", forged.ms)
    elif forged.status is None or forged.status >= 500:
        yield warning(check, f"{describe(forged)}; answer 403", forged.ms)
    else:
        yield ok(check, f"refused, {describe(forged)}", forged.ms)


def describe(response: Exchange) -> str:
    """Return a response in a few words."""
    return response.failure if response.status is None else f"status {response.status}"


def _address(url: URL) -> Finding:
    check = "address"
    if url.scheme not in PORTS:
        return failure(check, f"{url.scheme or 'no scheme'}: WeChat accepts http and https only")
    if url.port != PORTS[url.scheme]:
        return warning(
            check, f"port {url.port}: WeChat's console accepts {url.scheme} on port {PORTS[url.scheme]} only"
        )
    if url.scheme == "http":
        return warning(check, "http: whoever is in between reads messages in plain mode; use https")
    return ok(check, "https on port 443")


def _verification(response: Exchange, echo: str) -> Finding:
    check, expected = "verification", echo.encode()
    if response.status != 200:
        reason = describe(response)
        hint = "; is the token the same, and the address right?" if response.status in {401, 403, 404} else ""
        return failure(check, f"{reason}, not 200 with echostr{hint}", response.ms)
    if response.body == expected:
        return ok(check, "returns echostr", response.ms)
    if expected not in response.body:
        return failure(check, f"the body is not echostr but {response.text[:60]!r}", response.ms)
    if response.body.startswith(BOM):
        return failure(check, "a byte order mark is before echostr", response.ms)
    if response.body.strip() == expected:
        return failure(check, "white space is around echostr; the body must be echostr alone", response.ms)
    return failure(check, f"echostr is not alone: {response.text[:60]!r}; no quotes and no JSON", response.ms)
