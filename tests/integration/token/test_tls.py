"""HTTPS, and callers who are known by their certificates."""

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
from wxbus.tokens.messages import TokenAnswer, TokenRequest
from wxbus_token.api.messages import AddKeyRequest, CreatedKey, RevokedKeys, RevokeKeyRequest
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

    def shows(self, pair: Pair | None = None) -> ssl.SSLContext:
        """What a caller uses that trusts the service, and shows a certificate."""
        return client_tls(ca=self.authority.cert, cert=pair and pair.cert, key=pair and pair.key)


@pytest.fixture
def secured(place: Place, tmp_path: Path) -> Secured:
    """The worker's certificate stands in the API keys file."""
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
    """Return how a call ends."""
    async with Client.open(url, key, tls=tls) as client:
        try:
            await client.call("token", "get", TokenRequest(appid=appid), TokenAnswer)
        except RpcFailure as exc:
            return exc.status
    return 200


async def test_a_certificate_stands_in_the_place_of_a_key(place: Place, secured: Secured) -> None:
    """Its scopes count as a key's do; a key that is presented too counts alone, also if it is wrong."""
    nobody, worker, other = secured.shows(), secured.shows(secured.worker), secured.shows(secured.other)
    wrong = f"wxb_{'0' * 12}_{'A' * 43}"
    cases = {
        ("", worker, SHOP): 200,
        ("", worker, CAFE): 403,
        ("", other, SHOP): 401,
        ("", nobody, SHOP): 401,
        (place.key, nobody, CAFE): 200,
        (place.key, other, CAFE): 200,
        (wrong, worker, SHOP): 401,
    }
    async with service(secured.settings) as url:
        assert {case: await status(url, case[0], case[1], case[2]) for case in cases} == cases
        async with TokenClient.open(url, "", tls=worker) as tokens:
            assert await tokens.get(SHOP)


async def test_strangers_and_ended_certificates_get_no_connection(
    secured: Secured, tmp_path: Path, place: Place
) -> None:
    """Somebody else's authority may write any subject: it is not believed; neither is one that has ended."""
    (tmp_path / "evil").mkdir()
    forged = CertificateAuthority(tmp_path / "evil").issue(WORKER, name="worker")
    ended = secured.authority.issue(WORKER, name="ended", days=-1)
    async with service(secured.settings) as url:
        for pair in (forged, ended):
            with pytest.raises(RpcUnavailable):
                await status(url, "", secured.shows(pair))
        with pytest.raises(RpcUnavailable):
            await status(url, place.key, client_tls())  # the caller does not trust the service


async def test_without_an_authority_no_certificate_is_believed(place: Place, secured: Secured) -> None:
    """HTTPS alone: API keys as ever, a certificate says nothing."""
    async with service(secured.settings.model_copy(update={"tls_client_ca_file": None})) as url:
        assert await status(url, place.key, secured.shows()) == 200
        assert await status(url, "", secured.shows(secured.worker)) == 401


async def test_a_subject_is_registered_and_revoked(place: Place, secured: Secured) -> None:
    """As keys are, while the service runs."""
    async with service(secured.settings) as url, Client.open(url, place.admin_key, tls=secured.shows()) as admin:
        made = await admin.call(
            "keys", "add", AddKeyRequest(name="other", subject="CN=other", scopes=["token:get:*"]), CreatedKey
        )
        assert made.api_key is None
        assert await status(url, "", secured.shows(secured.other), CAFE) == 200
        with pytest.raises(RpcFailure, match="409"):
            await admin.call(
                "keys", "add", AddKeyRequest(name="evil", subject=WORKER, scopes=["token:get:*"]), CreatedKey
            )
        await admin.call("keys", "revoke", RevokeKeyRequest(name="other"), RevokedKeys)
        assert await status(url, "", secured.shows(secured.other), CAFE) == 401


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tls_key_file": "worker.key"}, "KEY_VALUES_MISMATCH"),
        ({"tls_cert_file": "nowhere.pem"}, "nowhere.pem"),
        ({"tls_client_ca_file": "server.key"}, "server.key"),
    ],
)
async def test_wrong_files_stop_the_start(secured: Secured, tmp_path: Path, changed: dict[str, str], said: str) -> None:
    """The error names the files."""
    update = {name: tmp_path / value for name, value in changed.items()}
    with pytest.raises(ConfigurationError, match=said):
        async with service(secured.settings.model_copy(update=update)):
            pass
