"""A proxy of this machine that lets aria2 go only where a guard lets it.

aria2 asks the name server itself and follows redirects by itself, so judging a link before it is
given to aria2 proves nothing. For links that anybody with a token may give, every connection is
judged here, at the moment when it is made: redirects, second answers of the name server, web seeds
and trackers over HTTP. What is not HTTP goes past it: a torrent's peers, DHT and UDP trackers.
"""

import socket
import socketserver
import threading
from contextlib import suppress

from sync_assets.addresses import AddressError, AddressGuard

_HOST = "127.0.0.1"
_BLOCK_BYTES = 262_144
_LONGEST_LINE = 8_192
_MOST_HEADERS = 100
_CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class GuardedProxy:
    """An HTTP proxy that knows CONNECT only; it starts when it is first needed.

    Args:
        guard: Judges every connection.
        timeout_seconds: How long connecting may take.
    """

    def __init__(self, guard: AddressGuard, *, timeout_seconds: float) -> None:
        self._guard = guard
        self._timeout_seconds = timeout_seconds
        self._server: socketserver.ThreadingTCPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address for aria2's `all-proxy`."""
        if self._server is None:
            self._server = self._start()
        return f"http://{_HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop; connections that are open end with their downloads."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def _start(self) -> socketserver.ThreadingTCPServer:
        handler = type(
            "Handler",
            (_Handler,),
            {"guard": self._guard, "timeout_seconds": self._timeout_seconds},
        )
        server = _Server((_HOST, 0), handler)
        self._thread = threading.Thread(target=server.serve_forever, name="relay-guarded-proxy")
        self._thread.start()
        return server


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(socketserver.StreamRequestHandler):
    guard: AddressGuard
    timeout_seconds: float
    # Nothing that belongs into the tunnel may be read with the request.
    rbufsize = 0

    def handle(self) -> None:
        with suppress(OSError):
            target = self._target()
            if target is None:
                self._refuse("400 Bad Request")
                return
            try:
                upstream = self._connect(*target)
            except AddressError:
                self._refuse("403 Forbidden")
                return
            except OSError:
                self._refuse("502 Bad Gateway")
                return
            with upstream:
                self.wfile.write(_CONNECTED)
                _tunnel(self.connection, upstream)

    def _target(self) -> tuple[str, int] | None:
        """Read a request to connect; None for everything else."""
        words = self.rfile.readline(_LONGEST_LINE).split()
        for _ in range(_MOST_HEADERS):
            if self.rfile.readline(_LONGEST_LINE) in (b"\r\n", b"\n", b""):
                break
        else:
            return None
        if len(words) != 3 or words[0] != b"CONNECT":
            return None
        host, _, port = words[1].decode("latin-1").rpartition(":")
        if not host or not port.isdecimal():
            return None
        return host.strip("[]"), int(port)

    def _connect(self, host: str, port: int) -> socket.socket:
        failure: OSError = ConnectionError(f"{host} has no address")
        for address in self.guard.addresses(host, port):
            try:
                upstream = socket.create_connection((address, port), self.timeout_seconds)
            except OSError as error:
                failure = error
            else:
                upstream.settimeout(None)
                return upstream
        raise failure

    def _refuse(self, status: str) -> None:
        self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


def _tunnel(client: socket.socket, upstream: socket.socket) -> None:
    """Pass bytes both ways until one side ends."""
    other = threading.Thread(target=_pass_on, args=(client, upstream), daemon=True)
    other.start()
    _pass_on(upstream, client)
    other.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    with suppress(OSError):
        while count := source.recv_into(buffer):
            target.sendall(buffer[:count])
    # Whichever side ends first ends the other one too.
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
