"""Which folders of this machine have had a drive mounted on them, kept in the ledger.

When a drive goes away, the folder it was mounted on stays, is empty or holds what lies beneath, and
can be listed without any error.
"""

import os

from sqlalchemy import insert, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import strm_mount_points
from sync_assets.ledger.types import utc_now


class MountPoints:
    """The mount points that were ever seen, by all jobs together.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        with ledger.read() as connection:
            self._known = set(connection.execute(select(strm_mount_points.c.path)).scalars())

    def is_missing(self, path: str) -> bool:
        """Tell whether a drive was mounted on a folder once, and none is now.

        A folder with a drive is remembered.

        Args:
            path: The folder, absolute.

        Raises:
            OSError: The folder is not there.
        """
        if not is_mount_point(path):
            return path in self._known
        if path not in self._known:
            self._known.add(path)
            with self._ledger.write() as connection:
                connection.execute(insert(strm_mount_points).values(path=path, seen_at=utc_now()))
        return False


def is_mount_point(path: str) -> bool:
    """Tell whether a folder lies on another device than its parent.

    Args:
        path: The folder, absolute.

    Raises:
        OSError: The folder is not there.
    """
    return os.stat(path).st_dev != os.stat(f"{path}/..").st_dev
