"""The service does what its OpenAPI document says, and nothing that is sent to it makes it fail."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.token_service import Place, service
from wxbus.rpc.keys import new_key

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_schemathesis_finds_nothing(place: Place, tmp_path: Path) -> None:
    """Generated calls, right and wrong ones: documented statuses, documented bodies, no 5xx, no way round the key."""
    # What operators' methods do with any body is in test_fuzz.py: they change what the other calls need, and the XML
    # that is generated for requests without required fields cannot be told from one without any.
    key, entry = new_key("generated", ["token:*:*", "component:*:*"])
    keys = place.settings.api_keys_file
    keys.write_text(f"{keys.read_text()}\n\n{entry.as_toml()}\n")
    async with service(place.settings) as url:
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {key}"),
            *(
                "--checks",
                "all",
                "--exclude-path",
                "/rpc/token/status_all",
                "--max-examples",
                "10",
                "--seed",
                "1",
                "--no-color",
            ),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
