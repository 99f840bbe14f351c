"""The folder of a download: one per gid, so that no two downloads can meet in a file."""

import shutil
from pathlib import Path

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.aria2.tasks import CONTROL_SUFFIX
from sync_assets.relay.naming import safe_name


class DownloadFolders:
    """Where downloads lie.

    Args:
        root: The folder of all of them.
        trusts_length: Whether the length of a file without control file says how much of it is
            there: only with a single connection, which writes it from the beginning.
    """

    def __init__(self, root: Path, *, trusts_length: bool) -> None:
        self.root = root
        self._trusts_length = trusts_length

    def gids(self) -> list[str]:
        """Return the names of all folders: those of downloads, and whatever else lies there."""
        return sorted(path.name for path in self.root.iterdir())

    def folder(self, row: AnyRow) -> Path:
        """Return a download's folder.

        Args:
            row: The download.
        """
        return self.root / row.gid

    def file(self, row: AnyRow) -> Path:
        """Return where a download that is one file lies.

        Args:
            row: The download, with its medium.
        """
        return self.folder(row) / safe_name(row.media_name)

    def prepare(self, row: AnyRow) -> None:
        """Make a download's folder ready for aria2, which believes whatever lies there.

        Args:
            row: The download. Before its first start nothing in the folder can be its own; later
                a damaged rest is removed.

        Raises:
            OSError: The disk is full, or the folder cannot be written.
        """
        folder = self.folder(row)
        if row.started_at is None:
            self._make_anew(folder)
            return
        folder.mkdir(parents=True, exist_ok=True)
        for control in folder.glob(f"*{CONTROL_SUFFIX}"):
            # A full disk leaves a control file without content, and a file of unknown content.
            if control.stat().st_size == 0:
                control.unlink()
                _remove(control.with_suffix(""))
        file = self.file(row)
        if file.exists() and not _control(file).exists() and not self._may_trust(row):
            file.unlink()

    def _make_anew(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            _remove(folder)
            folder.mkdir(parents=True)

    def finished_file(self, row: AnyRow) -> Path | None:
        """Return a download's file where aria2 has finished it and the ledger does not know.

        Args:
            row: The download, with its medium.
        """
        wanted = row.total_bytes or row.expected_bytes
        if row.started_at is None or not wanted or not self._may_trust(row):
            return None
        file = self.file(row)
        if _control(file).exists() or not file.is_file() or file.stat().st_size != wanted:
            return None
        return file

    def discard(self, row: AnyRow) -> None:
        """Remove whatever lies in a download's folder, and the folder.

        Args:
            row: The download.
        """
        _remove(self.folder(row))

    def size(self, path: Path) -> int:
        """Return how many bytes a file, or all files of a folder, have.

        Args:
            path: The file or folder.
        """
        if path.is_file():
            return path.stat().st_size
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())

    def _may_trust(self, row: AnyRow) -> bool:
        return self._trusts_length or row.expected_checksum is not None


def _control(file: Path) -> Path:
    return file.with_name(file.name + CONTROL_SUFFIX)


def _remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; what is not there stays so."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
