"""The worker's peer: the same job as `tests.benchmarks.handlers` with Celery, wechatpy, redis-py and requests.

Written as the guides of these libraries advise, with what saves CPU where there is a choice. Run it with
`python -m celery --app tests.benchmarks.peers.celery_worker worker`; where its servers are it reads from `PEER_...`.
"""

import json
import os
import time
from functools import cache
from typing import Any

import requests
from celery import Celery
from redis import Redis
from wechatpy import parse_message

NAMESPACE = os.environ["PEER_NAMESPACE"]
WECHAT_URL = os.environ["PEER_WECHAT_URL"]
QUEUE = f"{NAMESPACE}.celery"
MOST_RECORDS = 10
"""Requests and responses of a context, as many as ours keeps by default."""
CONTEXT_TTL, MARKER_TTL = 90 * 60, 7 * 24 * 3600
"""Seconds, as ours by default."""
TIMEOUT = 5.0

app = Celery("peer", broker=os.environ["PEER_AMQP_URL"])
app.conf.update(
    # Celery's default: durable, messages persistent. With a quorum queue it would also declare queues for delayed
    # delivery, which this job has no use for.
    task_default_queue=QUEUE,
    task_acks_late=True,  # a killed worker's task is run again: without it a crash loses messages
    task_reject_on_worker_lost=True,
    task_ignore_result=True,  # nobody asks; a result costs a write for each task
    worker_prefetch_multiplier=32,  # tasks are short; as many as ours has of a partition
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_concurrency=os.cpu_count(),
    task_serializer="json",
    accept_content=["json"],
)


@cache
def redis() -> "Redis[bytes]":
    """Return the process's client, made after the fork."""
    return Redis.from_url(os.environ["PEER_REDIS_URL"])


@cache
def http() -> requests.Session:
    """Return the process's session, which keeps its connection."""
    return requests.Session()


class Token:
    """The access token of this process, until it expires."""

    value = ""
    expires = 0.0

    @classmethod
    def get(cls) -> str:
        """Return it."""
        if time.monotonic() >= cls.expires:
            answer = http().post(f"{WECHAT_URL}/cgi-bin/stable_token", json={}, timeout=TIMEOUT).json()
            cls.value, cls.expires = answer["access_token"], time.monotonic() + answer["expires_in"] - 300
        return cls.value


@app.task
def handle(callback: str) -> None:
    """Handle one callback, decrypted: one change of the context, one reply."""
    message = parse_message(callback)
    dedup_key = f"{NAMESPACE}:seen:{message.source}:{message.id}"
    key = f"{NAMESPACE}:context:{message.source}"
    # One round trip for both; not a transaction, which the job does not need.
    new, stored = redis().pipeline(transaction=False).set(dedup_key, 1, nx=True, ex=MARKER_TTL).get(key).execute()
    if not new:
        return
    context: dict[str, Any] = json.loads(stored) if stored else {"storage": {}, "requests": [], "responses": []}
    context["storage"]["count"] = context["storage"].get("count", 0) + 1
    context["requests"] = [*context["requests"], message._data][-MOST_RECORDS:]
    reply = {"kind": "text", "content": message.content}
    context["responses"] = [*context["responses"], reply][-MOST_RECORDS:]
    context["last_active"] = time.time()
    redis().set(key, json.dumps(context, ensure_ascii=False), ex=CONTEXT_TTL)
    send(message.source, message.content)


def send(openid: str, content: str) -> None:
    """Send a customer-service message, as raw UTF-8: WeChat refuses escapes."""
    payload = {"touser": openid, "msgtype": "text", "text": {"content": content}}
    answer = http().post(
        f"{WECHAT_URL}/cgi-bin/message/custom/send",
        params={"access_token": Token.get()},
        data=json.dumps(payload, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
        timeout=TIMEOUT,
    )
    answer.raise_for_status()
    if errcode := answer.json()["errcode"]:
        raise RuntimeError(f"WeChat refused a message with {errcode}")
