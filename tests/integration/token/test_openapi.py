"""The service behaves as its OpenAPI document says."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support import generated
from tests.support.sizes import soak
from tests.support.token_service import Place, service

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("methods", ["/rpc/(token|component)/", "/rpc/(accounts|keys)/"])
async def test_schemathesis_finds_nothing(place: Place, tmp_path: Path, methods: str) -> None:
    """Generated calls get documented statuses and bodies, no 5xx, and need an API key.

    The services for operators have a run of their own: WeChat does not know the accounts that this run registers.
    """
    async with service(place.settings.model_copy(update={"rate_limit": 0.0})) as url:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{url}/openapi.json", "--include-path-regex", methods),
            *("--header", f"Authorization: Bearer {place.admin_key}"),
            *(
                "--checks",
                "all",
                "--max-examples",
                str(soak(10, 2)),
                "--seed",
                "1",
                "--no-color",
                "--request-timeout",
                "60",
            ),
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": generated.__file__},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
