"""A web view with Flask, wechatpy and Celery: the job of ingress, without its spool.

Run it with `python -m gunicorn tests.benchmarks.peers.flask_ingress:app`.
"""

from flask import Flask, Response, request

from tests.benchmarks.peers.callback import opened
from tests.benchmarks.peers.celery_worker import handle

app = Flask(__name__)


@app.post("/wechat/<account>")
def callback(account: str) -> Response:  # noqa: ARG001 - of the route
    """Accept a callback: it is in the queue, confirmed, before the answer."""
    handle.delay(opened(request.get_data(), request.args))
    return Response("success", mimetype="text/plain")
