"""A client generated from the OpenAPI document works."""

import asyncio
import importlib
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.support.token_service import KIOSK, KIOSK_SECRET, SHOP, Place, service

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]


async def test_a_generated_client_works(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """openapi-python-client accepts the document; its client gets a token and reads an error."""
    async with service(place.settings) as url:
        async with aiohttp.ClientSession() as http, http.get(f"{url}/openapi-json.json") as answer:
            (tmp_path / "api.json").write_bytes(await answer.read())
        (tmp_path / "config.yaml").write_text("package_name_override: generated_wxbus\npost_hooks: []\n")
        arguments = ["generate", "--path", "api.json", "--config", "config.yaml", "--meta", "none", "--fail-on-warning"]
        generator = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "openapi_python_client", *arguments, "--output-path", "generated_wxbus"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await generator.communicate()
        assert generator.returncode == 0, output.decode()

        monkeypatch.syspath_prepend(tmp_path)
        made = importlib.import_module("generated_wxbus")
        models = importlib.import_module("generated_wxbus.models")
        get = importlib.import_module("generated_wxbus.api.token.token_get")
        add = importlib.import_module("generated_wxbus.api.accounts.accounts_add")
        async with made.AuthenticatedClient(base_url=url, token=place.admin_key) as client:
            token = await get.asyncio(client=client, body=models.TokenRequest(appid=SHOP))
            assert isinstance(token, models.TokenAnswer)
            assert token.expires_in > 0
            account = models.AddAccountRequest(
                name="kiosk", appid=KIOSK, kind=models.AccountKind.OFFICIAL_ACCOUNT, secret=KIOSK_SECRET
            )
            assert isinstance(await add.asyncio(client=client, body=account), models.EmptyAnswer)
            refused = await get.asyncio_detailed(client=client, body=models.TokenRequest(appid="wx-none"))
            assert isinstance(refused.parsed, models.Problem)
            assert refused.status_code == refused.parsed.status == 404
