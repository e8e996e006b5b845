"""The service does what its OpenAPI document says, and nothing that is sent to it makes it fail."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.token_service import Place, service

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_schemathesis_finds_nothing(place: Place, tmp_path: Path) -> None:
    """Generated calls, right and wrong ones: documented statuses, documented bodies, no 5xx, no way round the key."""
    async with service(place.settings) as url:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {place.key}"),
            *("--checks", "all", "--max-examples", "25", "--seed", "1", "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
