"""A tracker that knows one peer, and that peer: a real aria2c that seeds.

The tracker answers as https://www.bittorrent.org/beps/bep_0023.html says, to whoever asks.
"""

import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sync_assets.ops.services import free_port
from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer


class Tracker(SocketServer):
    """A tracker on a free port."""

    def __init__(self, peer_port: int) -> None:
        super().__init__()
        self._peer = socket.inet_aton("127.0.0.1") + peer_port.to_bytes(2, "big")

    def answer(self, request: Received) -> Reply:
        return Reply(b"d8:intervali2e5:peers6:" + self._peer + b"e", content_type="text/plain")


@contextmanager
def swarm(program: Path, directory: Path, torrent: bytes) -> Generator[str]:
    """Seed what lies in a directory; yield the tracker's address."""
    port = free_port("127.0.0.1")
    file = directory.with_suffix(".torrent")
    file.write_bytes(torrent)
    # fmt: off
    seeder = subprocess.Popen(
        [
            program, "--no-conf", "--enable-dht=false", "--enable-peer-exchange=false",
            f"--listen-port={port}", f"--dir={directory}", "--seed-ratio=0.0",
            "--check-integrity=true", "--allow-overwrite=true", "--quiet", str(file),
        ],
        stdin=subprocess.DEVNULL,
    )
    # fmt: on
    try:
        with Tracker(port) as tracker:
            yield f"{tracker.url}/announce"
    finally:
        seeder.kill()
        seeder.wait()
