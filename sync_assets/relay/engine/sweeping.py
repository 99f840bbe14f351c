"""Remove what an aria2 with a session brings back when it is started again.

Its session is some seconds behind: a task that had ended when aria2 was killed begins anew, and
fetches a file that is relayed and removed since. The ledger knows better. Killed once more before
anybody looks, aria2 leaves the file and knows nothing of it.
"""

from contextlib import suppress

from sync_assets.ledger import Ledger
from sync_assets.ledger.portions import portions
from sync_assets.relay import downloads
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError, Call
from sync_assets.relay.aria2.tasks import NOT_ENDED, tasks_below
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState


class Sweeper:
    """Sweeps once for each start of an aria2.

    Args:
        ledger: The ledger.
        folders: Where downloads lie.
    """

    def __init__(self, ledger: Ledger, folders: DownloadFolders) -> None:
        self._ledger = ledger
        self._folders = folders
        self._swept_session: str | None = None

    def sweep(self, client: Aria2Client, session: str) -> bool:
        """Remove the tasks of downloads that have ended, and the files that nobody wants.

        Tasks of which the ledger does not know are left alone: they may be somebody else's.

        Args:
            client: The connection.
            session: What tells this start of aria2 from others.

        Returns:
            Whether there is more to remove, when the tasks have ended.

        Raises:
            Aria2UnreachableError: No answer came.
            Aria2RefusedError: aria2 does not accept the secret.
        """
        if session == self._swept_session:
            return False
        tasks = tasks_below(client, self._folders.root)
        with self._ledger.read() as connection:
            known = downloads.of_gids(connection, list(tasks))
        ended = [row for row in known if row.state not in OPEN_DOWNLOADS]
        not_ended = [row.gid for row in ended if tasks[row.gid] in NOT_ENDED]
        for gid in not_ended:
            # One that has just ended cannot be removed: the next look sees that it has.
            with suppress(Aria2RefusedError):
                client.call("aria2.forceRemove", gid)
        if not_ended:
            return True
        client.multicall([Call("aria2.removeDownloadResult", (row.gid,)) for row in ended])
        self._discard_unwanted()
        self._swept_session = session
        return False

    def _discard_unwanted(self) -> None:
        for gids in portions(self._folders.gids()):
            with self._ledger.read() as connection:
                rows = downloads.of_gids(connection, gids)
            for row in rows:
                is_removed = row.state == DownloadState.COMPLETED and row.cleaned_at is not None
                if is_removed or row.state == DownloadState.CANCELLED:
                    self._folders.discard(row)
