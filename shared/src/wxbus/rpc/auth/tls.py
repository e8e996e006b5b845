"""TLS for calls over HTTP, with client certificates."""

import ssl
from functools import lru_cache
from pathlib import Path

from wxbus.errors import ConfigurationError


def server_tls(cert: Path, key: Path, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return the context of a server; raises ConfigurationError for invalid files.

    Args:
        cert: The certificate and its intermediates, PEM.
        key: Its private key, PEM, without a passphrase.
        client_ca: CA of the callers' certificates, PEM. A certificate is optional; an invalid one ends the handshake.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _load(context, cert, key, client_ca)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_tls(*, ca: Path | None = None, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """Return the context of a client; raises ConfigurationError for invalid files.

    Args:
        ca: CA of the server's certificate, PEM; the system's CAs by default.
        cert: Client certificate, PEM; none by default.
        key: Its private key, PEM, without a passphrase; in `cert` by default.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    if ca is not None:  # does not trust the system's CAs
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, cert, key, ca)
    return context


def subject_of(connection: ssl.SSLObject | None) -> str | None:
    """Return the subject (RFC 4514) of the caller's verified certificate; None without one."""
    if connection is None or connection.context.verify_mode is ssl.CERT_NONE:
        return None
    certificate = connection.getpeercert(binary_form=True)
    return _subject(certificate) if certificate else None


@lru_cache(maxsize=1024)
def _subject(certificate: bytes) -> str | None:
    from cryptography import x509  # noqa: PLC0415 - most services have no client certificates

    return x509.load_der_x509_certificate(certificate).subject.rfc4514_string() or None


def _load(context: ssl.SSLContext, cert: Path | None, key: Path | None, ca: Path | None) -> None:
    try:
        if cert is not None:
            context.load_cert_chain(cert, key, password=_no_passphrase)
        if ca is not None:
            context.load_verify_locations(ca)
    except (OSError, ValueError) as exc:  # ssl's own errors are OSErrors
        files = ", ".join(str(path) for path in (cert, key, ca) if path)
        raise ConfigurationError(f"TLS files {files}: {exc}") from exc


def _no_passphrase() -> str:
    raise ConfigurationError("the private key must not have a passphrase")
