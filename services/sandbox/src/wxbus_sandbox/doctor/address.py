"""The address itself, and its verification by WeChat's console (protocol reference 1.1, 1.2)."""

from collections.abc import AsyncGenerator
from typing import Final

from yarl import URL

from wxbus.wechat.crypto.signature import sign
from wxbus_sandbox.doctor.findings import Finding, failure, ok, warning
from wxbus_sandbox.doctor.target import Target
from wxbus_sandbox.pushes.exchange import Exchange

PORTS: Final = {"http": 80, "https": 443}
FAILURES: Final = {
    "ClientConnectorDNSError": "the name of the host does not resolve",
    "ClientConnectorCertificateError": "the certificate is not valid for this host",
    "ClientConnectorSSLError": "no TLS connection: does the port speak https?",
    "ClientConnectorError": "no connection: does a server listen at this address?",
    "ServerDisconnectedError": "the connection was closed without an answer",
    "ClientOSError": "the connection was closed without an answer",
}
"""The meaning of aiohttp's errors."""
BOM: Final = b"\xef\xbb\xbf"


async def check_address(target: Target) -> AsyncGenerator[Finding]:
    """Check scheme and port, and the answers to a verification with a right and with a wrong signature."""
    yield _address(URL(target.url))
    query, echo = target.encoder.verification(now=float(target.signed()["timestamp"]))
    response = await target.call("GET", query)
    yield _verification(response, echo)
    if response.status is None:
        return
    name = "msg_signature" if target.is_wecom else "signature"
    forged = await target.call("GET", {**query, name: sign("another token", query["timestamp"], query["nonce"])})
    check = "verification with a wrong signature"
    if forged.status == 200 and echo.encode() in forged.body:
        yield failure(check, "returns echostr: the server verifies a request that WeChat did not sign", forged.ms)
    elif forged.status is None or forged.status >= 500:
        yield warning(check, f"{describe(forged)}; answer 403", forged.ms)
    else:
        yield ok(check, f"refused, {describe(forged)}", forged.ms)


def describe(response: Exchange) -> str:
    """Return a response in a few words."""
    if response.status is not None:
        return f"status {response.status}"
    return FAILURES.get(response.failure, response.failure)


def _address(url: URL) -> Finding:
    check = "address"
    if url.scheme not in PORTS:
        return failure(check, f"{url.scheme or 'no scheme'}: WeChat accepts http and https only")
    if url.port != PORTS[url.scheme]:
        return warning(
            check, f"port {url.port}: WeChat's console accepts {url.scheme} on port {PORTS[url.scheme]} only"
        )
    if url.scheme == "http":
        return warning(check, "http: messages in plain mode can be read on the way; use https")
    return ok(check, "https on port 443")


def _verification(response: Exchange, echo: str) -> Finding:
    check, expected = "verification", echo.encode()
    if response.status == 200 and response.body == expected:
        return ok(check, "returns echostr", response.ms)
    return failure(check, _why_not(response, expected), response.ms)


def _why_not(response: Exchange, expected: bytes) -> str:
    """Return what is wrong with the response to a verification."""
    if response.status is None:
        return describe(response)
    if response.status != 200:
        hint = "; is the token the same, and the address right?" if response.status in {401, 403, 404} else ""
        return f"{describe(response)}, not 200 with echostr{hint}"
    if expected not in response.body:
        return f"the body is not echostr but {response.text[:60]!r}"
    if response.body.startswith(BOM):
        return "a byte order mark is before echostr"
    if response.body.strip() == expected:
        return "white space is around echostr; the body must be echostr alone"
    return f"echostr is not alone: {response.text[:60]!r}; no quotes and no JSON"
