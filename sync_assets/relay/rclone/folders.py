"""Which folders a storage has, asked again and again while files are published.

Over WebDAV a file that is moved to the name of a folder replaces it with all that is in it, and
some servers hide the folder from rclone's own look; so somebody has to ask first.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_LISTED_AFTER_QUESTIONS = 4
_REMEMBERED_SECONDS = 30.0


@dataclass
class _Parent:
    since: float
    questions: int = 0
    names: frozenset[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class KnownFolders:
    """Answers for one file by asking for it, and for many in one folder by listing that once.

    Args:
        is_folder: Tells whether there is a folder at a path.
        folders_in: Returns the names of the folders that lie in a folder.
    """

    def __init__(
        self, is_folder: Callable[[str], bool], folders_in: Callable[[str], frozenset[str]]
    ) -> None:
        self._is_folder = is_folder
        self._folders_in = folders_in
        self._parents: dict[str, _Parent] = {}
        self._lock = threading.Lock()

    def has(self, path: str) -> bool:
        """Tell whether there is a folder at a path; what others have made since is seen later.

        Args:
            path: The path.
        """
        folder, _, name = path.rpartition("/")
        parent = self._parent(folder)
        with parent.lock:
            if parent.names is None and parent.questions > _LISTED_AFTER_QUESTIONS:
                parent.names = self._folders_in(folder)
        return self._is_folder(path) if parent.names is None else name in parent.names

    def made(self, path: str) -> None:
        """Note that a folder is about to be made, with all that it lies in.

        Args:
            path: The folder; empty for the root, which is always there.
        """
        with self._lock:
            while path:
                parent, _, name = path.rpartition("/")
                known = self._parents.get(parent)
                if known is not None and known.names is not None and name not in known.names:
                    del self._parents[parent]
                path = parent

    def _parent(self, folder: str) -> _Parent:
        now = time.monotonic()
        with self._lock:
            parent = self._parents.get(folder)
            if parent is None or now - parent.since > _REMEMBERED_SECONDS:
                parent = self._parents[folder] = _Parent(now)
            parent.questions += 1
            return parent
