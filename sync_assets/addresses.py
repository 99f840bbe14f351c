"""Which addresses a user may make this program go to: the public network, and what is allowed.

A name is resolved once and the connection goes to the very address that was judged, so that a
second answer of the name server cannot lead elsewhere. TLS still verifies the name.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from sync_assets.errors import SyncError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]


class AddressError(SyncError):
    """An address cannot be gone to."""


class AddressRefusedError(AddressError):
    """An address leads where users may not make this program go, such as a private network.

    Attributes:
        setting: The field of the configuration that could allow it; None where nothing can.
    """

    def __init__(self, message: str, *, remedy: str, setting: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.setting = setting


class UnknownHostError(AddressError):
    """The name server does not know a host."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system's resolver gives them.

    Raises:
        OSError: It has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class AddressGuard:
    """Judges addresses.

    Args:
        allowed: Host names, addresses and networks that may be private.
        setting: The field of the configuration that they come from, for remedies.
        resolver: Finds the addresses of a host.
    """

    def __init__(
        self, allowed: Iterable[str] = (), *, setting: str, resolver: Resolver = resolve
    ) -> None:
        self._names = frozenset(each.lower().rstrip(".") for each in allowed)
        self._networks = [network for each in self._names if (network := _network(each))]
        self._setting = setting
        self._resolver = resolver

    def check_url(self, url: str) -> None:
        """Refuse what is not an address of the web.

        Raises:
            AddressRefusedError: It is not.
        """
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            message = f"{shown_url(url)} is no address: {error}."
            raise AddressRefusedError(message, remedy="Correct the address.") from error
        if parts.scheme not in ("http", "https") or not host:
            message = f"{shown_url(url)} is no http or https address."
            raise AddressRefusedError(message, remedy="Correct the address.")

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host that may be connected to.

        Raises:
            AddressRefusedError: One of them is not public, and neither it nor the name is allowed.
            UnknownHostError: The name is unknown.
        """
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            message = f"{host} is not known to the name server."
            remedy = "Correct the address, or try later."
            raise UnknownHostError(message, remedy=remedy) from error
        if host.lower().rstrip(".") in self._names:
            return addresses
        refused = [each for each in addresses if not self._is_allowed(each)]
        if refused or not addresses:
            message = f"{host} is in a private network, from which nothing may be fetched."
            raise AddressRefusedError(
                message,
                remedy="Correct the address. If the server is yours, add its name or address to "
                f"{self._setting}.",
                setting=self._setting,
            )
        return addresses

    def _is_allowed(self, text: str) -> bool:
        address = ipaddress.ip_address(text.partition("%")[0])
        return any(address in network for network in self._networks) or is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def shown_url(url: str) -> str:
    """Return an address fit for a message: without passwords and without the query's secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "The address"
    return f"{parts.scheme}://{host}{port}{parts.path}" if host else "The address"


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of a client, only where the guard lets it.

    Args:
        guard: The guard.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers."""
        failure: Exception | None = None
        for address in self._guard.addresses(host, port):
            try:
                return self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport, with connections that a guard opens.

    Args:
        guard: The guard.
    """

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(),
            max_connections=16,
            max_keepalive_connections=8,
            keepalive_expiry=15,
            network_backend=GuardedBackend(guard),
        )


@cache
def _tls() -> ssl.SSLContext:
    """Return how TLS is verified: reading the system's certificates takes a tenth of a second."""
    return ssl.create_default_context()


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
