"""The last good copy of each source, with what is known of it, in the home."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Copy:
    """What is known of a good copy.

    Attributes:
        location: Where it came from.
        etag: The server's mark of its version.
        sha256: Its digest.
        fetched_at: When it was fetched, ISO 8601, UTC.
        entries: How many entries it has.
    """

    location: str
    etag: str | None
    sha256: str
    fetched_at: str
    entries: int


class Copies:
    """The copies in a directory.

    Args:
        directory: Where they are; it need not exist.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def read(self, source: str) -> tuple[Copy, bytes] | None:
        """Return a source's last good copy, None where there is none that is whole."""
        try:
            copy = Copy(**json.loads(self._description(source).read_bytes()))
            content = self._content(source).read_bytes()
        except (OSError, ValueError, TypeError):
            return None
        # A crash between the two files leaves a description of another file.
        return (copy, content) if hashlib.sha256(content).hexdigest() == copy.sha256 else None

    def write(self, source: str, copy: Copy, content: bytes) -> None:
        """Replace a source's copy.

        Raises:
            OSError: It cannot be written.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        _replace(self._content(source), content)
        _replace(self._description(source), json.dumps(asdict(copy), indent=2).encode())

    def _content(self, source: str) -> Path:
        return self._directory / f"{source}.data"

    def _description(self, source: str) -> Path:
        return self._directory / f"{source}.json"


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
