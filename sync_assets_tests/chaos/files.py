"""Files of folders in which others work meanwhile."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_below(root: Path) -> Iterator[Path]:
    """Return the files below a folder, by name; what vanishes meanwhile is left out."""
    # Not Path.rglob, which fails where a folder vanishes.
    found = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    return (path for path in sorted(found) if path.is_file())


def read_if_there(path: Path) -> bytes | None:
    """Return what is in a file; None where it has vanished."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def digest(content: bytes) -> str:
    """Return the SHA-256 of something."""
    return hashlib.sha256(content).hexdigest()
