"""The address of an item: when two of them lead to the same series."""

import hashlib
from urllib.parse import urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical_url(url: str) -> str:
    """Return the one form of an address: what differs only in writing becomes the same.

    Args:
        url: An http or https address that the guard has accepted.
    """
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").rstrip(".")
    try:
        host = host.encode("idna").decode()
    except UnicodeError:
        host = host.lower()
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{user}{at}{host}", parts.path.rstrip("/"), parts.query, ""))


def url_key(url: str) -> str:
    """Return what is unique among a user's items; short, as indexes want it.

    Args:
        url: The address.
    """
    return hashlib.sha256(canonical_url(url).encode("utf-8", "surrogatepass")).hexdigest()
