"""Whether the files of the ledger are still on the disk, and what follows where they are not."""

from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import Connection

from sync_assets.errors import SyncError
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.archive import add_entries, entry_of
from sync_assets.pixiv.files import StoredFile, mark_missing, newest_files, read_files
from sync_assets.pixiv.models import FileKind, FileState, WorkState
from sync_assets.pixiv.works import read_works, want


def archived_files(connection: Connection, account: str) -> list[StoredFile]:
    """Return the verified files that gallery-dl's archive should know.

    Args:
        connection: A transaction of the ledger.
        account: The account's name.
    """
    files = read_files(connection, account, states={FileState.VERIFIED})
    return [each for each in files if each.version and each.kind is not FileKind.ANIMATION]


def missing_files(directory: Path, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Return the files that are not on the disk.

    Args:
        directory: The account's download directory.
        files: Files of the ledger.
    """
    return [each for each in files if not (directory / each.path).is_file()]


def require_library(connection: Connection, account: Account) -> None:
    """Make sure that the download directory is the one that the known files are in.

    A disk that is not mounted leaves an empty folder, or none, which new files would fill.

    Args:
        connection: A transaction of the ledger.
        account: The account.

    Raises:
        SyncError: Files are known, and the directory has nothing at all.
    """
    directory = account.download_directory
    if newest_files(connection, account.name, 1) and not _has_entries(directory):
        raise SyncError(
            f"{directory} is empty, and files of {account.name} should be there.",
            remedy="Mount its disk, or correct pixiv.download_directory. If they are gone for "
            f"good: scripts/pixiv-adopt {account.name} --recheck --apply downloads them again; "
            "any file in the folder says that they shall stay away.",
        )


def _has_entries(directory: Path) -> bool:
    try:
        return any(directory.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        # Whoever uses it says better what is wrong with it.
        return True


def adopt_present(
    connection: Connection,
    account: Account,
    files: Sequence[StoredFile],
    missing: Collection[StoredFile],
    *,
    run_id: str | None,
) -> None:
    """Make a new archive of the files that are there, and want the works of those that are not.

    Args:
        connection: A writing transaction of the ledger.
        account: The account.
        files: The files that the archive should know.
        missing: Those of them that are not on the disk.
        run_id: The Dagster run.
    """
    gone = {each.id for each in missing}
    add_entries(
        account.archive_path,
        [entry_of(each.work_id, each.page, each.version) for each in files if each.id not in gone],
    )
    want_missing(connection, account.name, missing, run_id=run_id)


def want_missing(
    connection: Connection,
    account: str,
    missing: Collection[StoredFile],
    *,
    run_id: str | None,
) -> None:
    """Record that files are gone, and want their works again.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name.
        missing: Verified files that are not on the disk.
        run_id: The Dagster run.
    """
    mark_missing(connection, missing, run_id=run_id)
    works = read_works(connection, account, work_ids={each.work_id for each in missing})
    for work in works.values():
        if work.state is WorkState.COMPLETE:
            want(connection, work, run_id=run_id, reason="its files are gone from the disk")
