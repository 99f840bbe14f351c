"""Move in: take over the downloads and the archive of a gallery-dl that was used before.

Nothing is downloaded, moved or deleted. Only files of works that are bookmarked are taken over,
and only whole ones.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.archive import add_entries, entries, entry_of
from sync_assets.pixiv.downloading import incomplete_reason
from sync_assets.pixiv.files import Checked, enter_files, read_files
from sync_assets.pixiv.models import FileKind, FileState, WorkState
from sync_assets.pixiv.verification import BadFileError, verify
from sync_assets.pixiv.works import Work, complete, mark_announced, read_works

_FILE = re.compile(
    r"(?<!\d)(?P<id>\d+)(?:_p?(?P<page>\d{1,3}))?(?:_ugoira\w*?)?(?:_(?P<version>\d{14}))?"
    r"\.(?P<suffix>jpe?g|png|gif|webp|zip)$",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"pixiv(?P<id>\d+)(?:_p?(?P<page>\d{1,3}))?(?:_\d{14}|\.\w+)$")
_ENTRY_OF_BOOKMARK = re.compile(r"pixivf_\d+_(?P<digits>\d+)\.\w+$")


@dataclass
class Adoption:
    """What can be taken over.

    Attributes:
        files: Whole files of bookmarked works.
        archived: Files that only the archive knows; they count as downloaded.
        complete: The works that will need nothing more.
        damaged: Files that are not whole, with the reason.
        foreign: How many files are of no bookmarked work, or of none at all.
        ambiguous: How many rows of the archive may mean more than one file.
    """

    files: list[Checked] = field(default_factory=list)
    archived: list[Checked] = field(default_factory=list)
    complete: list[int] = field(default_factory=list)
    damaged: list[tuple[str, str]] = field(default_factory=list)
    foreign: int = 0
    ambiguous: int = 0


def plan_adoption(account: Account, ledger: Ledger, folder: Path, archive: Path | None) -> Adoption:
    """Look at a folder and an archive, and change nothing.

    Args:
        account: The account that takes over.
        ledger: The ledger.
        folder: The folder of downloads, with all below it.
        archive: gallery-dl's archive; None to believe the folder alone.

    Returns:
        What can be taken over.

    Raises:
        SyncError: The folder is elsewhere, the bookmarks are not known yet, or the archive is
            none.
    """
    with ledger.read() as connection:
        works = read_works(connection, account.name)
        stored = read_files(connection, account.name)
    if not works:
        raise SyncError(
            f"The bookmarks of {account.name} are not known yet.",
            remedy="Materialize the asset pixiv/bookmarks first: dagster asset materialize "
            f"-m sync_assets.definitions --select pixiv/bookmarks --partition {account.name}",
        )
    if not folder.is_dir() or not folder.resolve().is_relative_to(
        account.download_directory.resolve()
    ):
        raise SyncError(
            f"{folder} is no folder inside {account.download_directory}.",
            remedy=f"Set download_directory of [pixiv.accounts.{account.name}] to that folder.",
        )
    adoption = Adoption()
    known = {(each.work_id, each.page) for each in stored if each.state is FileState.VERIFIED}
    # The folder alone is resolved: a file in it may be a link to anywhere.
    for path in _files_below(folder.resolve()):
        _look_at(account, path, works, known, adoption)
    if archive is not None:
        found = {(each.work_id, each.page) for each in adoption.files} | known
        _look_at_archive(archive, works, found, adoption)
    having = _files_by_work([*stored, *adoption.files, *adoption.archived])
    adoption.complete = [
        work.work_id
        for work in works.values()
        if work.state in (WorkState.WANTED, WorkState.FAILED)
        and incomplete_reason(work, having.get(work.work_id, ()), _page_count(work)) is None
    ]
    return adoption


def carry_out(
    account: Account, ledger: Ledger, adoption: Adoption, *, post: bool, run_id: str | None = None
) -> None:
    """Take over what a plan says; doing it again changes nothing. The caller holds the lease.

    Args:
        account: The account.
        ledger: The ledger.
        adoption: The plan.
        post: Whether the works are posted to Telegram as new ones are.
        run_id: The Dagster run.
    """
    add_entries(
        account.archive_path,
        [entry_of(each.work_id, each.page, each.version) for each in adoption.files],
    )
    with ledger.write() as connection:
        taken = [*adoption.files, *adoption.archived]
        enter_files(connection, account.name, taken, run_id=run_id)
        works = read_works(connection, account.name, work_ids=adoption.complete)
        versions = [(work, work.version) for work in works.values()]
        complete(connection, versions, run_id=run_id)
        if not post:
            mark_announced(connection, works.values())


def _files_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _look_at(
    account: Account,
    path: Path,
    works: Mapping[int, Work],
    known: set[tuple[int, int]],
    adoption: Adoption,
) -> None:
    match = _FILE.search(path.name)
    work = works.get(int(match["id"])) if match else None
    if match is None or work is None:
        adoption.foreign += 1
        return
    page = int(match["page"] or 0)
    if (work.work_id, page) in known:
        return
    relative = str(path.relative_to(account.download_directory.resolve()))
    try:
        relative.encode()
    except UnicodeEncodeError:
        shown = relative.encode(errors="replace").decode()
        adoption.damaged.append((shown, "its name is not UTF-8; rename it"))
        return
    is_zip = match["suffix"].lower() == "zip"
    if is_zip is not work.is_ugoira:
        adoption.foreign += 1
        return
    try:
        verified = verify(path)
    except (BadFileError, OSError) as error:
        adoption.damaged.append((relative, str(error)))
        return
    adoption.files.append(
        Checked(
            work_id=work.work_id,
            page=page,
            # What is on the list now is what was downloaded, as far as anybody can tell.
            version=match["version"] or work.version,
            kind=FileKind.UGOIRA if is_zip else FileKind.PAGE,
            state=FileState.VERIFIED,
            path=relative,
            size_bytes=verified.size_bytes,
            sha256=verified.sha256,
        )
    )


def _look_at_archive(
    archive: Path,
    works: Mapping[int, Work],
    found: set[tuple[int, int]],
    adoption: Adoption,
) -> None:
    if not archive.is_file():
        raise SyncError(f"{archive} is no file.", remedy="Name gallery-dl's archive.")
    for entry in entries(archive):
        candidates = list(_meanings(entry, works))
        if len(candidates) > 1:
            adoption.ambiguous += 1
            continue
        for work, page in candidates:
            if (work.work_id, page) in found:
                continue
            found.add((work.work_id, page))
            adoption.archived.append(
                Checked(
                    work_id=work.work_id,
                    page=page,
                    version=work.version,
                    kind=FileKind.UGOIRA if work.is_ugoira else FileKind.PAGE,
                    state=FileState.ARCHIVED,
                    path="",
                )
            )


def _meanings(entry: str, works: Mapping[int, Work]) -> Iterator[tuple[Work, int]]:
    """Say which files a row may mean: gallery-dl's own format writes id and page without a gap."""
    if (match := _ENTRY.fullmatch(entry)) is not None:
        work = works.get(int(match["id"]))
        if work is not None:
            yield work, int(match["page"] or 0)
        return
    match = _ENTRY_OF_BOOKMARK.fullmatch(entry)
    digits = match["digits"] if match else ""
    for split in range(1, len(digits)):
        work, page = works.get(int(digits[:split])), digits[split:]
        if work is not None and str(int(page)) == page and int(page) < _page_count(work):
            yield work, int(page)


def _page_count(work: Work) -> int:
    return 1 if work.is_ugoira else max(work.page_count, 1)


def _files_by_work(files: Sequence[Checked]) -> dict[int, list[Checked]]:
    found: dict[int, list[Checked]] = {}
    for each in files:
        found.setdefault(each.work_id, []).append(each)
    return found
