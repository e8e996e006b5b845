"""Web pages of one's own may call the gateway; those of others get nothing."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from pydantic import TypeAdapter, ValidationError

from wxbus.config.urls import Origin
from wxbus_gateway.http.cors import Cors

OWN = "https://shop.example.com"
CORS = Cors([OWN])


def requested(origin: str, method: str = "POST", **headers: str) -> web.Request:
    """Return a request of a page."""
    return make_mocked_request(method, "/mini/orders/price", headers={"Origin": origin, **headers})


def test_only_named_origins_may_call() -> None:
    """A preflight and an answer of another origin, of none, or without origins have no CORS header."""
    preflight = {"Access-Control-Request-Method": "POST"}
    found = CORS.preflight(requested(OWN, "OPTIONS", **preflight))
    assert found is not None
    assert (found.status, found.headers["Access-Control-Allow-Origin"]) == (204, OWN)
    assert "Idempotency-Key" in found.headers["Access-Control-Allow-Headers"]
    for cors, origin in ((CORS, "https://elsewhere.example"), (CORS, "null"), (CORS, f"{OWN}.evil"), (Cors([]), OWN)):
        assert cors.preflight(requested(origin, "OPTIONS", **preflight)) is None
        response = web.Response()
        cors.allow(requested(origin), response)
        assert not [name for name in response.headers if name.startswith("Access-Control")], origin
    assert CORS.preflight(requested(OWN)) is None


def test_pages_may_read_what_clients_need() -> None:
    """The 401's scheme, the time to wait and the session; caches keep origins apart."""
    response = web.Response(headers={"Vary": "Accept-Encoding"})
    CORS.allow(requested(OWN), response)
    exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"WWW-Authenticate", "Retry-After", "WXBus-Session"} <= set(exposed)
    assert response.headers.getall("Vary") == ["Accept-Encoding", "Origin"]
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_an_origin_has_no_path() -> None:
    """An origin in the setting is scheme, host and port, as browsers send it."""
    adapter = TypeAdapter(Origin)
    assert adapter.validate_python("https://Shop.example.com:8443/") == "https://shop.example.com:8443"
    for wrong in ("https://shop.example.com/page", "shop.example.com", "*", "https://a@shop.example.com"):
        with pytest.raises(ValidationError, match="must look like https://host"):
            adapter.validate_python(wrong)
