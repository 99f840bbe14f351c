"""Servers behind TLS."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from sync_assets.ledger import Ledger
from sync_assets.settings.strm_sources import OpenListSourceSettings
from sync_assets.strm.sources import SourceUnavailableError, open_source
from sync_assets_tests.upstreams.openlist import OpenListServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def settings(certificate: Path) -> Iterator[OpenListSourceSettings]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with OpenListServer() as server:
        server.tls = context
        server.add("/film.mkv")
        yield OpenListSourceSettings(
            type="openlist",
            base_url=server.url.replace("http:", "https:"),
            token=SecretStr(server.static_token),
        )


def test_a_certificate_that_is_trusted_is_enough(
    settings: OpenListSourceSettings,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    sqlite_ledger: Ledger,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_source(settings, sqlite_ledger) as source:
        source.check()
        assert [entry.name for entry in source.list_directory("")] == ["film.mkv"]


def test_a_certificate_that_is_not_trusted_ends_the_scan_at_once(
    settings: OpenListSourceSettings, sqlite_ledger: Ledger
) -> None:
    with open_source(settings, sqlite_ledger) as source:
        with pytest.raises(SourceUnavailableError, match="certificate that cannot be verified"):
            source.check()
        assert source.requests == 1
