"""Which local files this process has verified, and whether they are untouched since.

What is untouched has the checksum that was found then, and need not be read again for it.
"""

import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_MOST_FILES = 10_000
_NANOSECONDS = 1_000_000_000
# Two changes within one tick of a file system's clock cannot be told apart. Kernels tick every 1 to
# 10 ms; FAT, some network file systems and old ones in whole seconds, or two.
_TICK_NANOSECONDS = _NANOSECONDS // 50
_COARSE_TICK_NANOSECONDS = 2 * _NANOSECONDS


@dataclass(frozen=True)
class Fingerprint:
    """What changes whenever a file is written, replaced or given other times.

    Attributes:
        device: The file system.
        inode: The file on it.
        size_bytes: Its size.
        modified_nanoseconds: When its content was changed, which everybody can set.
        changed_nanoseconds: When anything of it was changed, which only the kernel sets.
    """

    device: int
    inode: int
    size_bytes: int
    modified_nanoseconds: int
    changed_nanoseconds: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Self:
        """Return the fingerprint of a file.

        Args:
            stat: What the file system says of it.
        """
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)

    @classmethod
    def at(cls, path: Path) -> Self | None:
        """Return the fingerprint of the file at a path; None where there is none.

        Args:
            path: The path.
        """
        try:
            return cls.of(path.stat())
        except OSError:
            return None

    def is_settled(self) -> bool:
        """Tell whether a change that is made from now on would be seen."""
        is_coarse = self.changed_nanoseconds % _NANOSECONDS == 0
        tick = _COARSE_TICK_NANOSECONDS if is_coarse else _TICK_NANOSECONDS
        return time.time_ns() - self.changed_nanoseconds > tick


class VerifiedFiles:
    """The files that were verified, the latest ones; for several threads at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, tuple[Fingerprint, str]] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, path: Path, fingerprint: Fingerprint, sha256: str) -> None:
        """Remember what a file was found to be.

        Args:
            path: Where it is.
            fingerprint: Its own, which had settled before it was read.
            sha256: Its SHA-256 in lower-case hexadecimal.
        """
        with self._lock:
            self._known[path] = (fingerprint, sha256)
            self._known.move_to_end(path)
            if len(self._known) > _MOST_FILES:
                self._known.popitem(last=False)

    def is_untouched(self, path: Path, sha256: str) -> bool:
        """Tell whether a file is known to have a checksum.

        Args:
            path: Where it is.
            sha256: The SHA-256 in lower-case hexadecimal.
        """
        with self._lock:
            known = self._known.get(path)
        return known is not None and known == (Fingerprint.at(path), sha256)
