"""A small threaded HTTP server: what the standard library's does, at a fraction of its CPU."""

import socket
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Received:
    """A request."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `cut_after`: the connection closes after so many bytes of the body.

    `has_length`: without it only the end of the connection says that the body has ended.
    `bytes_per_second`: how fast the body is sent; None for as fast as it goes.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    has_length: bool = True
    bytes_per_second: int | None = None

    def encoded(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} X",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}" if self.has_length else "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body[: self.cut_after]


class ResetConnectionError(Exception):
    """Raised by a handler: close the connection with a reset, without an answer."""


class SocketServer(ABC):
    """A server on a free port of this machine, with a thread for each connection."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.stopped = threading.Event()
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @abstractmethod
    def answer(self, request: Received) -> Reply: ...

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.go_offline()
        for thread in self._threads:
            thread.join(10)

    def listen(self) -> None:
        """Take connections; after `go_offline` on the same port again."""
        listener = socket.create_server((self.address, self.port), backlog=128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def go_offline(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _start(self, target, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            self._start(self._serve, connection)

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        data = reply.encoded()
        if reply.bytes_per_second is None:
            connection.sendall(data)
            return
        size = max(1, reply.bytes_per_second // 50)
        for start in range(0, len(data), size):
            if self.stopped.wait(1 / 50):
                return
            connection.sendall(data[start : start + size])

    def _serve(self, connection: socket.socket) -> None:
        if self.tls is not None:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        try:
            with connection, connection.makefile("rb") as stream, suppress(OSError):
                while (request := read_request(stream)) is not None:
                    try:
                        reply = self.answer(request)
                    except ResetConnectionError:
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        return
                    self._send(connection, reply)
                    if reply.cut_after is not None or not reply.has_length:
                        return
        finally:
            with self._lock:
                self._connections.discard(connection)


def read_request(stream) -> Received | None:
    """Read a request; None where the connection ends."""
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Received(first[0], first[1], headers, body)
