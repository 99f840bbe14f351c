"""The log file of a supervised service: bounded in size, without secrets."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 10_000_000
OLD_FILES = 3

_CHUNK_BYTES = 65_536
_RECENT_LINES = 15


class ServiceLog:
    """Copies what a service writes into its file, which starts anew when it is large.

    Args:
        path: The file; older ones are `<path>.1` and so on.
        redact: Applied to each line.
        echo: Called with each line as well.
    """

    def __init__(
        self, path: Path, redact: Callable[[str], str], echo: Callable[[str], None] | None
    ) -> None:
        self.path = path
        self.recent: deque[str] = deque(maxlen=_RECENT_LINES)
        self._redact = redact
        self._echo = echo
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(
            path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True
        )

    async def copy(self, descriptor: int) -> None:
        """Copy until nobody holds the other end of a pipe any more.

        Args:
            descriptor: The end to read from; closed afterwards.
        """
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb")
        )
        try:
            await self._copy(stream)
        finally:
            transport.close()

    async def _copy(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= _CHUNK_BYTES:  # a line without an end must not fill the memory
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._write(line)
        if rest:
            self._write(rest)

    def _write(self, line: bytes) -> None:
        text = self._redact(line.decode("utf-8", errors="replace").rstrip("\r"))
        self.recent.append(text)
        if self._echo:
            self._echo(text)
        # The handler swallows a full disk, which must not stop the service.
        self._handler.emit(logging.LogRecord("", logging.INFO, "", 0, text, None, None))
