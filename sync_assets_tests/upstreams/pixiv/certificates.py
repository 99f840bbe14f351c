"""The test authority whose certificate gallery-dl is told to believe."""

import ssl
from functools import lru_cache
from pathlib import Path

import trustme

HOSTS = (
    "app-api.pixiv.net",
    "oauth.secure.pixiv.net",
    "i.pximg.net",
    "s.pximg.net",
    "www.pixiv.net",
)


@lru_cache(maxsize=1)
def _authority() -> trustme.CA:
    return trustme.CA()


@lru_cache(maxsize=1)
def server_context() -> ssl.SSLContext:
    """Return what the server needs to be every host of Pixiv."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(*HOSTS).configure_cert(context)
    return context


def write_authority(path: Path) -> Path:
    """Write the authority's certificate as PEM."""
    _authority().cert_pem.write_to_path(str(path))
    return path
