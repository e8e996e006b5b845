"""The control API of loads; see `load.report`."""

from aiohttp import web

from wxbus.errors import ConfigurationError
from wxbus.wechat.callbacks.keys import Mode
from wxbus_sandbox.control.api import COMPOSER, PUSHER, account_named, http_error, read
from wxbus_sandbox.load.report import LoadReport, LoadRequest
from wxbus_sandbox.load.runner import LoadRunner
from wxbus_sandbox.pushes.encoder import PushEncoder
from wxbus_sandbox.state import SANDBOX


async def load(request: web.Request) -> web.StreamResponse:
    """Run a load; answer with a report in a line of JSON twice a second, and with the last one at the end.

    It ends early if the client closes the connection.
    """
    body, sandbox = await read(request, LoadRequest), request.app[SANDBOX]
    account = account_named(sandbox, body.account)
    try:
        encoder = PushEncoder(account)
    except ConfigurationError as exc:
        raise http_error(str(exc)) from exc
    if (body.mode or account.modes[0]) is not Mode.PLAIN and encoder.cipher is None:
        raise http_error(f"account {account.name} has no aes_key, so only plain mode is possible")
    runner = LoadRunner(sandbox, request.app[COMPOSER], request.app[PUSHER], account, body)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)

    async def write(report: LoadReport) -> None:
        await response.write(report.model_dump_json().encode() + b"\n")

    try:
        await runner.run(write)
    except* ConnectionResetError:
        pass  # the client closed the connection
    return response


def routes() -> list[web.RouteDef]:
    """Return the routes of this topic."""
    return [web.post("/sandbox/load", load)]
