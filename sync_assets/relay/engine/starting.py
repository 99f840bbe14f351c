"""Give aria2 new tasks, in folders that are ready for them."""

from collections.abc import Sequence

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2RefusedError
from sync_assets.relay.aria2.tasks import look_at
from sync_assets.relay.engine.adding import Adding
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.outcomes import TryAgain
from sync_assets.relay.engine.settling import Settling
from sync_assets.relay.models import Reason, ReasonCode


class Starter:
    """Starts downloads.

    Args:
        adding: Builds the calls.
        folders: Where downloads lie.
        settling: Takes what has become of those that cannot be started.
    """

    def __init__(self, adding: Adding, folders: DownloadFolders, settling: Settling) -> None:
        self._adding = adding
        self._folders = folders
        self._settling = settling

    def ready(self, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """Return the downloads whose folders are ready.

        Args:
            rows: The downloads that are to start.
        """
        return [row for row in rows if self._has_folder(row)]

    def start(self, client: Aria2Client, rows: Sequence[AnyRow]) -> None:
        """Give aria2 new tasks; the ledger has them since long, and the next step sees them.

        Args:
            client: The connection.
            rows: The downloads.
        """
        if not rows:
            return
        answers = client.multicall([self._adding.call(row) for row in rows])
        refused = {
            row.gid: answer
            for row, answer in zip(rows, answers, strict=True)
            if isinstance(answer, Aria2RefusedError)
        }
        # A task that is there already is refused too, with a text that says something else.
        _, known = look_at(client, refused)
        for row in rows:
            if row.gid in refused and row.gid not in known:
                reason = Reason(ReasonCode.ARIA2_ERROR, refused[row.gid].message)
                self._settling.settle(row, TryAgain(reason))
        self._settling.write()

    def _has_folder(self, row: AnyRow) -> bool:
        try:
            self._folders.prepare(row)
        except OSError as error:
            text = f"Its folder cannot be made: {error.strerror}. Check relay.download_directory."
            self._settling.settle(row, TryAgain(Reason(ReasonCode.FILE_ERROR, text)))
            return False
        return True
