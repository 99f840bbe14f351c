"""Hand complete works over to be posted: their pages, or the video in the place of an ugoira."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.files import StoredFile, read_files
from sync_assets.pixiv.models import FileKind, FileState
from sync_assets.pixiv.works import Work, mark_announced, unannounced_works

_WORKS_PER_TRANSACTION = 200


@dataclass(frozen=True)
class Announcement:
    """A complete work and its files, as a post needs them.

    Attributes:
        account: The account's name.
        details: Title, author and so on; see `planning.details_of`.
        files: The newest version of each page, or the video, which has its zip's digest: another
            ffmpeg makes other bytes of it, and they are no other post.
        directory: What the files' paths are relative to.
        chat_ids: The account's own chats; None for those of the Telegram configuration.
    """

    account: str
    work_id: int
    details: Mapping[str, Any]
    files: Sequence[StoredFile]
    directory: Path
    chat_ids: Sequence[str] | None


Announce = Callable[[Connection, Announcement], int]
"""Queues the posts of a work in the caller's transaction; returns how many are new. Idempotent."""


def announce_works(account: Account, ledger: Ledger, announce: Announce, *, ugoira: bool) -> int:
    """Queue the posts of complete works that have none yet.

    Args:
        account: The account.
        ledger: The ledger.
        announce: Queues the posts of one work.
        ugoira: Whether to do so for the works that become videos, or for all others.

    Returns:
        How many posts are new.
    """
    with ledger.read() as connection:
        works = unannounced_works(connection, account.name)
        waiting = [work for work in works.values() if work.is_ugoira is ugoira]
        files = _files_of(connection, account, waiting)
    queued = 0
    for start in range(0, len(waiting), _WORKS_PER_TRANSACTION):
        announced = []
        with ledger.write() as connection:
            for work in waiting[start : start + _WORKS_PER_TRANSACTION]:
                shown = shown_files(work, files.get(work.work_id, ()))
                if not shown:
                    continue
                announcement = Announcement(
                    account=account.name,
                    work_id=work.work_id,
                    details=work.details,
                    files=shown,
                    directory=account.download_directory,
                    chat_ids=account.settings.chat_ids,
                )
                queued += announce(connection, announcement)
                announced.append(work)
            mark_announced(connection, announced)
    return queued


def shown_files(work: Work, files: Sequence[StoredFile]) -> list[StoredFile]:
    """Return the files of a work that a post shows: of each page the newest version.

    Args:
        work: The work.
        files: All its files, in the order of page and version.
    """
    kind = FileKind.ANIMATION if work.is_ugoira else FileKind.PAGE
    zips = {each.version: each.sha256 for each in files if each.kind is FileKind.UGOIRA}
    newest = {
        each.page: replace(each, sha256=zips.get(each.version, each.sha256))
        for each in files
        if each.kind is kind and each.state is FileState.VERIFIED
    }
    return [newest[page] for page in sorted(newest)]


def _files_of(
    connection: Connection, account: Account, works: Sequence[Work]
) -> dict[int, list[StoredFile]]:
    found: dict[int, list[StoredFile]] = {}
    ids = {work.work_id for work in works}
    for each in read_files(connection, account.name, work_ids=ids):
        found.setdefault(each.work_id, []).append(each)
    return found
