"""Tell Jellyfin or Emby which files changed, so that it need not scan its whole library.

`POST /Library/Media/Updated` is the same in both (Jellyfin's LibraryController, "Reports that new
movies or media have been added by an external source"); Emby serves it below `/emby`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sync_assets.errors import SyncError
from sync_assets.settings.strm import MediaServerSettings
from sync_assets.strm.announcements import ChangeKind

if TYPE_CHECKING:
    import httpx

PATHS_PER_REQUEST = 500
ATTEMPTS = 3
_UPDATE_TYPES = {ChangeKind.WRITTEN: "Modified", ChangeKind.DELETED: "Deleted"}
_TRANSIENT = frozenset({429, 500, 502, 503, 504})


class MediaServerError(SyncError):
    """A media server could not be told; the changes are kept and told later."""


class MediaServer:
    """One Jellyfin or Emby server.

    Args:
        name: How the configuration calls it.
        settings: Its settings.
        sleep: Waits between attempts, in seconds.
    """

    def __init__(
        self,
        name: str,
        settings: MediaServerSettings,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = name
        self._settings = settings
        self._sleep = sleep

    def announce(self, output: str, kinds: Mapping[str, ChangeKind]) -> int:
        """Tell which files changed.

        Args:
            output: The job's output folder on this machine.
            kinds: What happened, by path relative to the output; empty for the whole output.

        Returns:
            How many requests it took.

        Raises:
            MediaServerError: The server cannot be reached, or refuses.
        """
        # Most processes that load the graph never talk to a media server.
        import httpx  # noqa: PLC0415

        root = self.path_there(output)
        updates = [
            {"Path": f"{root}/{path}" if path else root, "UpdateType": _UPDATE_TYPES[kind]}
            for path, kind in kinds.items()
        ]
        requests = 0
        with httpx.Client(
            timeout=self._settings.timeout_seconds,
            headers={"X-Emby-Token": self._settings.api_key.get_secret_value()},
        ) as client:
            for start in range(0, len(updates), PATHS_PER_REQUEST):
                requests += self._post(client, updates[start : start + PATHS_PER_REQUEST])
        return requests

    def path_there(self, path: str) -> str:
        """Return where a folder of this machine is for the server: the longest mapping wins."""
        here = PurePosixPath(path)
        for prefix in sorted(self._settings.paths, key=len, reverse=True):
            if here.is_relative_to(prefix):
                rest = here.relative_to(prefix)
                there = self._settings.paths[prefix].rstrip("/")
                return there if rest == PurePosixPath() else f"{there}/{rest}"
        return path

    def _post(self, client: "httpx.Client", updates: Sequence[Mapping[str, str]]) -> int:
        url = f"{str(self._settings.base_url).rstrip('/')}/Library/Media/Updated"
        import httpx  # noqa: PLC0415

        problem = ""
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                self._sleep(2.0 ** (attempt - 1))
            try:
                response = client.post(url, json={"Updates": list(updates)})
            except httpx.HTTPError as error:
                problem = f"cannot be reached ({type(error).__name__})"
                continue
            if response.is_success:
                return attempt
            problem = f"answered {response.status_code}"
            if response.status_code not in _TRANSIENT:
                break
        raise MediaServerError(
            f"The media server {self._name!r} {problem}.",
            remedy="Check strm.media_servers: base_url and api_key. The changes are kept and told "
            "with the next run.",
        )
