"""The files of each account in the ledger.

Holds the only functions that write to `pixiv_files`. Paths are relative to the account's download
directory, so that a library can be moved.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import pixiv_files
from sync_assets.pixiv.models import FileKind, FileState

_IDS_PER_QUERY = 500

FILES = Lifecycle(
    "pixiv_file",
    states=FileState,
    initial={FileState.VERIFIED, FileState.REJECTED, FileState.ARCHIVED},
    transitions={
        FileState.VERIFIED: {FileState.MISSING, FileState.REJECTED},
        FileState.REJECTED: {FileState.VERIFIED},
        FileState.MISSING: {FileState.VERIFIED, FileState.REJECTED},
        FileState.ARCHIVED: {FileState.VERIFIED, FileState.REJECTED},
    },
)
FILES.bind(pixiv_files)

_KEY = ("account", "work_id", "page", "version", "kind")


@dataclass(frozen=True)
class Checked:
    """A file as it was just found, to be entered into the ledger.

    Attributes:
        path: Relative to the download directory.
        failure_reason: Why it was rejected; None where it is verified.
    """

    work_id: int
    page: int
    version: str
    kind: FileKind
    state: FileState
    path: str
    size_bytes: int = 0
    sha256: str = ""
    failure_reason: str | None = None


@dataclass(frozen=True)
class StoredFile(Checked):
    """A file of the ledger."""

    id: int = 0
    account: str = ""
    changed_at: datetime | None = None


def read_files(
    connection: Connection,
    account: str,
    *,
    work_ids: Collection[int] | None = None,
    states: Collection[FileState] | None = None,
    kinds: Collection[FileKind] | None = None,
) -> list[StoredFile]:
    """Return files, in the order of work, page and version.

    Args:
        connection: A transaction of the ledger.
        account: The account's name.
        work_ids: Only files of these works.
        states: Only files in these states.
        kinds: Only files of these kinds.
    """
    columns = pixiv_files.c
    query = (
        select(pixiv_files)
        .where(columns.account == account)
        .order_by(columns.work_id, columns.page, columns.version, columns.kind)
    )
    if states is not None:
        query = query.where(columns.state.in_([str(state) for state in states]))
    if kinds is not None:
        query = query.where(columns.kind.in_([str(kind) for kind in kinds]))
    if work_ids is None:
        rows = list(connection.execute(query).mappings())
    else:
        ids, rows = sorted(work_ids), []
        for start in range(0, len(ids), _IDS_PER_QUERY):
            some = columns.work_id.in_(ids[start : start + _IDS_PER_QUERY])
            rows += connection.execute(query.where(some)).mappings()
    return [_stored(row) for row in rows]


def _stored(row: RowMapping) -> StoredFile:
    values: dict[str, Any] = dict(row)
    values |= {"kind": FileKind(values["kind"]), "state": FileState(values["state"])}
    return StoredFile(**values)


def newest_files(connection: Connection, account: str, limit: int) -> list[StoredFile]:
    """Return the verified files that changed last, newest first."""
    query = (
        select(pixiv_files)
        .where(pixiv_files.c.account == account, pixiv_files.c.state == FileState.VERIFIED)
        .order_by(pixiv_files.c.changed_at.desc(), pixiv_files.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).mappings()
    return [_stored(row) for row in rows]


def count_files(connection: Connection, account: str) -> dict[str, int]:
    """Return how many files are in each state."""
    query = (
        select(pixiv_files.c.state, func.count().label("files"))
        .where(pixiv_files.c.account == account)
        .group_by(pixiv_files.c.state)
    )
    return {row.state: row.files for row in connection.execute(query)}


def enter_files(
    connection: Connection, account: str, checked: Iterable[Checked], *, run_id: str | None
) -> int:
    """Enter files as they were found; entering one again changes nothing.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name.
        checked: The files.
        run_id: The Dagster run.

    Returns:
        How many are verified now that were not before.
    """
    found = list(checked)
    rows = [{"account": account, **asdict(each)} for each in found]
    ids = FILES.create(connection, rows, unique=_KEY, run_id=run_id)
    known = {
        (each.work_id, each.page, each.version, each.kind): each
        for each in read_files(
            connection,
            account,
            work_ids={each.work_id for each, row_id in zip(found, ids, strict=True) if not row_id},
        )
    }
    gained = 0
    for each, row_id in zip(found, ids, strict=True):
        if row_id is not None:
            gained += each.state is FileState.VERIFIED
            continue
        stored = known[each.work_id, each.page, each.version, each.kind]
        if stored.state is not each.state and each.state in FILES.transitions[stored.state]:
            FILES.transition(
                connection,
                stored.id,
                each.state,
                run_id=run_id,
                path=each.path,
                size_bytes=each.size_bytes,
                sha256=each.sha256,
                failure_reason=each.failure_reason,
            )
            gained += each.state is FileState.VERIFIED
    return gained


def mark_missing(
    connection: Connection, files: Iterable[StoredFile], *, run_id: str | None
) -> None:
    """Record that verified files are no longer on the disk."""
    for each in files:
        FILES.transition(connection, each.id, FileState.MISSING, run_id=run_id)
