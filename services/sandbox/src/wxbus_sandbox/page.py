"""The page at `/`: what this is, which accounts there are, how to send a message."""

from html import escape

from aiohttp import web

from wxbus_sandbox.state import SANDBOX

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>wxbus sandbox</title>
<style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em;overflow-wrap:anywhere}}
pre,code{{background:#f3f3f3}}
pre{{padding:.7em;white-space:pre-wrap}}td,th{{text-align:left;padding:.2em 1em .2em 0}}</style>
<h1>wxbus sandbox</h1>
<p>A stand-in for <code>api.weixin.qq.com</code> and for WeChat's users. Nothing here reaches WeChat.</p>
<h2>Accounts</h2>
<table><tr><th>name</th><th>appid</th><th>kind</th><th>modes</th><th>formats</th></tr>{rows}</table>
<h2>Send a message as a user</h2>
<pre>.venv/bin/python -m wxbus_sandbox send text "hello" --account {account} --openid o1</pre>
<h2>Addresses</h2>
<table>{addresses}</table>
</html>
"""


async def page(request: web.Request) -> web.Response:
    """Answer with the page; it shows no secret."""
    accounts = list(request.app[SANDBOX].accounts)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for cells in (
            (account.name, account.appid, account.kind, ", ".join(account.modes), ", ".join(account.formats))
            for account in accounts
        )
    )
    found = {
        (route.resource.canonical, route.method)
        for route in request.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    addresses = "".join(
        f"<tr><td>{escape('any' if method == '*' else method)}</td><td><code>{escape(path)}</code></td></tr>"
        for path, method in sorted(found)
    )
    name = escape(accounts[0].name) if accounts else "NAME"
    return web.Response(
        text=PAGE.format(rows=rows, addresses=addresses, account=name),
        content_type="text/html",
    )


def routes() -> list[web.RouteDef]:
    """Return the route of the page."""
    return [web.get("/", page)]
