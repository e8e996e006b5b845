"""Services with the demo secrets of docker-compose.yml do not start with WeChat's own API."""

import re
import subprocess
import sys

import pytest

from tests.e2e.local.run_command import environment
from tests.support.compose import default_of
from tests.support.readme import ROOT


@pytest.mark.parametrize("service", ["ingress", "token", "worker"])
def test_a_service_with_demo_secrets_refuses_a_real_account(service: str) -> None:
    """The service ends with code 2 before it connects to a server, and names each variable to set."""
    variables = environment(
        WXBUS_AMQP_URL=f"amqp://wxbus:{default_of('RABBITMQ_PASSWORD')}@127.0.0.1:1/",
        WXBUS_REDIS_URL=f"redis://:{default_of('REDIS_PASSWORD')}@127.0.0.1:1/0",
        WXBUS_WECHAT_API_URL="https://api.weixin.qq.com",
        WXBUS_ACCOUNTS_FILE=str(ROOT / default_of("WXBUS_ACCOUNTS_FILE")),
        WXBUS_TOKEN_ENCRYPTION_KEYS=default_of("WXBUS_TOKEN_ENCRYPTION_KEYS"),
        WXBUS_TOKEN_API_KEYS_FILE=str(ROOT / default_of("WXBUS_TOKEN_API_KEYS_FILE")),
        WXBUS_WORKER_TOKEN_API_KEY=default_of("WXBUS_WORKER_TOKEN_API_KEY"),
        WXBUS_WORKER_APP="handlers:router",
        WXBUS_WORKER_APP_DIR=str(ROOT / "deploy/demo_bot"),
    )
    named = {
        "ingress": {"WXBUS_AMQP_URL", "WXBUS_ACCOUNTS_FILE"},
        "worker": {"WXBUS_AMQP_URL", "WXBUS_REDIS_URL", "WXBUS_WORKER_TOKEN_API_KEY", "WXBUS_ACCOUNTS_FILE"},
        "token": {
            *("WXBUS_AMQP_URL", "WXBUS_REDIS_URL", "WXBUS_ACCOUNTS_FILE"),
            *("WXBUS_TOKEN_ENCRYPTION_KEYS", "WXBUS_TOKEN_API_KEYS_FILE"),
        },
    }

    done = subprocess.run(
        [sys.executable, "-m", f"wxbus_{service}"],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2, done.stderr
    assert set(re.findall(r"(WXBUS_\w+) (?:\(.*\) )?contains a public demo secret", done.stderr)) == named[service]
