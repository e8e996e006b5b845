"""HTTPS and client certificates."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certificates import CertificateAuthority, Pair
from tests.support.token_service import CAFE, SHOP, Place, service
from wxbus.errors import ConfigurationError, RpcFailure, RpcUnavailable
from wxbus.rpc import Client
from wxbus.rpc.auth.keys import KeyEntry
from wxbus.rpc.auth.tls import client_tls
from wxbus.tokens import TokenClient
from wxbus.tokens.services import TokenService
from wxbus_token.api.admin import KeysService
from wxbus_token.settings import TokenSettings

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("redis")]

WORKER = "CN=worker,O=Shop\\, Ltd,C=CN"


@dataclass
class Secured:
    """The service's settings with HTTPS, and certificates of callers."""

    settings: TokenSettings
    authority: CertificateAuthority
    worker: Pair
    other: Pair

    def tls(self, pair: Pair | None = None) -> ssl.SSLContext:
        """Return the TLS context of a caller, with a certificate or without."""
        return client_tls(ca=self.authority.cert, cert=pair.cert if pair else None, key=pair.key if pair else None)


@pytest.fixture
def secured(place: Place, tmp_path: Path) -> Secured:
    """Return settings with HTTPS; the API keys file has the worker's certificate."""
    authority = CertificateAuthority(tmp_path)
    server = authority.issue("CN=token", name="server")
    entry = KeyEntry(name="worker", subject=WORKER, scopes=(f"token:get:{SHOP}",))
    keys = place.settings.api_keys_file
    keys.write_text(f"{keys.read_text()}\n\n{entry.as_toml()}\n")
    tls = {"tls_cert_file": server.cert, "tls_key_file": server.key, "tls_client_ca_file": authority.cert}
    return Secured(
        place.settings.model_copy(update=tls),
        authority,
        authority.issue(WORKER, name="worker"),
        authority.issue("CN=other", name="other"),
    )


async def status(url: str, key: str, tls: ssl.SSLContext, appid: str = SHOP) -> int:
    """Return the status of a call."""
    async with Client.open(url, key, tls=tls) as client:
        try:
            await client.bind(TokenService).get(appid=appid)
        except RpcFailure as exc:
            return exc.status
    return 200


async def test_a_certificate_replaces_an_api_key(place: Place, secured: Secured) -> None:
    """A certificate has scopes like a key; an API key has precedence, also an invalid one."""
    anonymous, worker, other = secured.tls(), secured.tls(secured.worker), secured.tls(secured.other)
    wrong = f"wxb_{'0' * 12}_{'A' * 43}"
    cases = {
        ("", worker, SHOP): 200,
        ("", worker, CAFE): 403,
        ("", other, SHOP): 401,
        ("", anonymous, SHOP): 401,
        (place.key, anonymous, CAFE): 200,
        (place.key, other, CAFE): 200,
        (wrong, worker, SHOP): 401,
    }
    async with service(secured.settings) as url:
        assert {case: await status(url, case[0], case[1], case[2]) for case in cases} == cases
        async with TokenClient.open(url, "", tls=worker) as tokens:
            assert await tokens.get(SHOP)


async def test_untrusted_and_expired_certificates_are_refused(secured: Secured, tmp_path: Path, place: Place) -> None:
    """A certificate of another authority, or one that has expired, gets no connection."""
    (tmp_path / "evil").mkdir()
    forged = CertificateAuthority(tmp_path / "evil").issue(WORKER, name="worker")
    expired = secured.authority.issue(WORKER, name="expired", days=-1)
    async with service(secured.settings) as url:
        for pair in (forged, expired):
            with pytest.raises(RpcUnavailable):
                await status(url, "", secured.tls(pair))
        with pytest.raises(RpcUnavailable):
            await status(url, place.key, client_tls())  # the caller does not trust the service


async def test_without_an_authority_certificates_are_ignored(place: Place, secured: Secured) -> None:
    """Without TLS_CLIENT_CA_FILE the service accepts API keys only."""
    async with service(secured.settings.model_copy(update={"tls_client_ca_file": None})) as url:
        assert await status(url, place.key, secured.tls()) == 200
        assert await status(url, "", secured.tls(secured.worker)) == 401


async def test_a_subject_is_registered_and_revoked(place: Place, secured: Secured) -> None:
    """Subjects of certificates are registered and revoked at run time like keys."""
    async with service(secured.settings) as url, Client.open(url, place.admin_key, tls=secured.tls()) as admin:
        keys = admin.bind(KeysService)
        created = await keys.add(name="other", subject="CN=other", scopes=["token:get:*"])
        assert created.api_key is None
        assert await status(url, "", secured.tls(secured.other), CAFE) == 200
        with pytest.raises(RpcFailure, match="409"):
            await keys.add(name="evil", subject=WORKER, scopes=["token:get:*"])
        await keys.revoke(name="other")
        assert await status(url, "", secured.tls(secured.other), CAFE) == 401


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"tls_key_file": "worker.key"}, "KEY_VALUES_MISMATCH"),
        ({"tls_cert_file": "nowhere.pem"}, "nowhere.pem"),
        ({"tls_client_ca_file": "server.key"}, "server.key"),
    ],
)
async def test_wrong_files_stop_the_start(
    secured: Secured, tmp_path: Path, changed: dict[str, str], error: str
) -> None:
    """A missing or wrong certificate or key ends the start with an error that names the file."""
    update = {name: tmp_path / value for name, value in changed.items()}
    with pytest.raises(ConfigurationError, match=error):
        async with service(secured.settings.model_copy(update=update)):
            pass
