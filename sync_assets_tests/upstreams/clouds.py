"""Clouds on this machine: rclone as the server, over WebDAV and SFTP, and remotes on top of them.

`gdrive` is WebDAV (it has no checksums), `onedrive` is SFTP (MD5 and SHA-1), `drive` is an alias
of a folder (all checksums), `vault` is encrypted on top of WebDAV. Their files lie in folders of
this machine, so that a test can look at them and change them. `bucket` is an object storage in the
memory of the rclone that asks for it, for as long as that runs.
"""

import random
import socket
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from sync_assets_tests.ops.waiting import wait_until

PROGRAM = Path(sysconfig.get_path("scripts")) / "rclone"
USER, PASSWORD = "alice", "wonder land:ü"
# Below those that a kernel gives to whoever asks for any: none of these is given to another server
# between two starts of one.
_KEPT_PORTS = range(20_000, 32_000)


class Clouds:
    """The clouds, for the length of a `with` block.

    Args:
        folder: Where their files and the rclone configuration are.
        dir_cache_time: How long a server remembers what lies in a folder, as rclone writes it: so
            much later it sees what a test changes there. Not 0, with which rclone 1.75.2 takes
            seconds, then minutes for a look, the longer the more often folders change.
        has_password: Whether the WebDAV server asks for it; to check it takes longer than all else
            that a small request needs.
    """

    def __init__(
        self, folder: Path, *, dir_cache_time: str = "1ms", has_password: bool = True
    ) -> None:
        self._dir_cache_time = dir_cache_time
        self._has_password = has_password
        self.config_path = folder / "rclone.conf"
        self.files = {name: folder / name for name in ("gdrive", "onedrive", "drive")}
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self._ports = dict(zip(("gdrive", "onedrive"), _kept_ports(2), strict=True))

    def __enter__(self) -> Self:
        for path in self.files.values():
            path.mkdir(parents=True)
        self.configure()
        for name in self._ports:
            self.start(name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in list(self._servers):
            self.stop(name)

    def url(self, name: str) -> str:
        """Return where a server listens."""
        return f"http://{USER}:{quote(PASSWORD)}@127.0.0.1:{self._ports[name]}"

    def configure(self, *, password: str = PASSWORD, webdav_url: str | None = None) -> None:
        """Write the rclone configuration."""
        hidden = _obscured(password)
        sections: Mapping[str, Mapping[str, str]] = {
            "gdrive": {
                "type": "webdav",
                "url": webdav_url or f"http://127.0.0.1:{self._ports['gdrive']}",
                "vendor": "other",
                "user": USER,
                "pass": hidden,
            },
            "onedrive": {
                "type": "sftp",
                "host": "127.0.0.1",
                "port": str(self._ports["onedrive"]),
                "user": USER,
                "pass": hidden,
                "known_hosts_file": "none",
            },
            "drive": {"type": "alias", "remote": str(self.files["drive"])},
            "bucket": {"type": "memory"},
            "vault": {"type": "crypt", "remote": "gdrive:vault", "password": _obscured("a key")},
        }
        lines = [
            line
            for name, options in sections.items()
            for line in (f"[{name}]", *(f"{key} = {value}" for key, value in options.items()))
        ]
        self.config_path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def secrets(self) -> Mapping[str, str]:
        """Return what nobody may see, by its name: the password, and as rclone keeps it."""
        lines = self.config_path.read_text(encoding="utf-8").splitlines()
        hidden = {line.partition(" = ")[2] for line in lines if line.startswith("pass")}
        names = {f"a hidden password ({number})": each for number, each in enumerate(hidden)}
        return {"the clouds' password": PASSWORD, **names}

    def start(self, name: str) -> None:
        """Start a server that was stopped."""
        kind, port = {"gdrive": "webdav", "onedrive": "sftp"}[name], self._ports[name]
        login = ("--user", USER, "--pass", PASSWORD)
        process = subprocess.Popen(
            [
                *(PROGRAM, "serve", kind, self.files[name], "--addr", f"127.0.0.1:{port}"),
                *(login if self._has_password or kind != "webdav" else ()),
                *("--config", "/dev/null"),
                *("--dir-cache-time", self._dir_cache_time),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._servers[name] = process
        wait_until(lambda: process.poll() is not None or listens(port), name)
        assert process.poll() is None, name

    def stop(self, name: str) -> None:
        """Stop a server."""
        process = self._servers.pop(name)
        process.terminate()
        process.wait()

    def published(self, name: str) -> Mapping[str, bytes]:
        """Return the content of all files of a cloud by their paths."""
        root = self.files[name]
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    def parts(self) -> Sequence[Path]:
        """Return whatever was left under a temporary name."""
        return [path for root in self.files.values() for path in root.rglob(".part-*")]


def _kept_ports(count: int) -> Sequence[int]:
    """Return ports on which nobody listens, and which nobody gets by chance."""
    ports: list[int] = []
    # Not as a seeded test has it: tests that run beside each other would try the same ones.
    for port in random.SystemRandom().sample(_KEPT_PORTS, len(_KEPT_PORTS)):
        with suppress(OSError), socket.socket() as bound:
            bound.bind(("127.0.0.1", port))
            ports.append(port)
        if len(ports) == count:
            return ports
    message = "there is no free port"
    raise RuntimeError(message)


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _obscured(password: str) -> str:
    command = [PROGRAM, "obscure", "-"]
    done = subprocess.run(command, input=password.encode(), capture_output=True, check=True)
    return done.stdout.decode().strip()
