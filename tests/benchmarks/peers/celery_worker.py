"""A worker with Celery, redis-py and requests: the job of `tests.benchmarks.handlers`.

Written as the guides of these libraries advise, with what saves CPU where there is a choice. Run it with
`python -m celery --app tests.benchmarks.peers.celery_worker worker`.
"""

import os
import time
from functools import cache

import requests
from celery import Celery
from redis import Redis

from tests.benchmarks.peers import job

app = Celery("peer", broker=os.environ["PEER_AMQP_URL"])
app.conf.update(
    # Celery's default: a classic queue, durable, messages persistent. With a quorum queue it would also declare queues
    # for delayed delivery, which this job has no use for.
    task_default_queue=job.QUEUE,
    task_acks_late=True,  # a killed worker's task is run again: without it a crash loses messages
    task_reject_on_worker_lost=True,
    task_ignore_result=True,  # nobody asks; a result costs a write for each task
    worker_prefetch_multiplier=32,  # tasks are short
    worker_disable_rate_limits=True,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_concurrency=os.cpu_count(),
    task_serializer="json",
    accept_content=["json"],
    broker_transport_options={"confirm_publish": True},  # for the web view
)


@cache
def redis() -> Redis:
    """Return the process's client, made after the fork."""
    return Redis.from_url(os.environ["PEER_REDIS_URL"])


@cache
def http() -> requests.Session:
    """Return the process's session, which keeps its connection."""
    session = requests.Session()
    session.trust_env = False  # otherwise each request looks for proxies and netrc in the environment
    return session


class Token:
    """The access token of this process, until it expires."""

    value = ""
    expires = 0.0

    @classmethod
    def get(cls) -> str:
        """Return it."""
        if time.monotonic() >= cls.expires:
            answer = http().post(job.TOKEN_URL, json={}, timeout=job.TIMEOUT).json()
            cls.value, cls.expires = answer["access_token"], time.monotonic() + answer["expires_in"] - job.MARGIN
        return cls.value


@app.task  # type: ignore[untyped-decorator]  # celery has no types
def handle(message: dict[str, str]) -> None:
    """Handle one callback, decrypted and parsed: one change of the context, one reply."""
    marker, key = job.keys(message)
    # One round trip for both; not a transaction, which the job does not need.
    both = redis().pipeline(transaction=False)
    both.set(marker, 1, nx=True, ex=job.MARKER_TTL)
    both.get(key)
    new, stored = both.execute()
    if not new:
        return
    redis().set(key, job.changed(stored, message), ex=job.CONTEXT_TTL)
    answer = http().post(
        job.SEND_URL,
        params={"access_token": Token.get()},
        data=job.reply_to(message),
        headers=job.HEADERS,
        timeout=job.TIMEOUT,
    )
    answer.raise_for_status()
    job.check(answer.json())
