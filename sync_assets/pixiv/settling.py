"""Turn what gallery-dl says is present into verified files of the ledger.

Used while it runs, after it has ended, and for what a killed round left behind.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sync_assets.errors import ItemFailure
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.archive import entry_of, remove_entries
from sync_assets.pixiv.files import Checked, StoredFile, enter_files, read_files
from sync_assets.pixiv.models import FileFact, FileKind, FileState, StageResult
from sync_assets.pixiv.verification import BadFileError, DamagedPictureError, verify

_BATCH = 200

_logger = logging.getLogger(__name__)


class Settler:
    """Verifies and records the files of one account.

    Args:
        account: The account.
        ledger: The ledger.
        run_id: The Dagster run.
    """

    def __init__(self, account: Account, ledger: Ledger, *, run_id: str | None) -> None:
        self._account = account
        self._ledger = ledger
        self._run_id = run_id
        self.result = StageResult({"added": 0, "skipped": 0, "rejected": 0, "bytes": 0})

    def settle(self, facts: Iterable[FileFact]) -> None:
        """Deal with files; doing it again for the same ones changes nothing.

        Args:
            facts: What gallery-dl says is present.
        """
        pending = list({(each.work_id, each.page, each.version): each for each in facts}.values())
        with ThreadPoolExecutor(self._account.pixiv.concurrency) as pool:
            for start in range(0, len(pending), _BATCH):
                self._settle_batch(pending[start : start + _BATCH], pool)

    def _settle_batch(self, facts: list[FileFact], pool: ThreadPoolExecutor) -> None:
        with self._ledger.read() as connection:
            stored = read_files(
                connection,
                self._account.name,
                work_ids={fact.work_id for fact in facts},
                states={FileState.VERIFIED, FileState.REJECTED},
            )
        of_gallery_dl = [each for each in stored if each.kind is not FileKind.ANIMATION]
        verified = {
            (each.work_id, each.page, each.version): each
            for each in of_gallery_dl
            if each.state is FileState.VERIFIED
        }
        rejected = {(each.work_id, each.page, each.version): each for each in of_gallery_dl}
        unknown = []
        for fact in facts:
            known = verified.get((fact.work_id, fact.page, fact.version))
            if not Path(fact.path).is_relative_to(self._account.download_directory):
                # The directory was changed since a round was killed; this one has it no more.
                _logger.warning("%s is not in the download directory: left alone", fact.path)
                continue
            # What was verified is not read again each time that another page is retried.
            if known is not None and self._is_as_it_was(known):
                self.result.count("skipped")
            else:
                unknown.append(fact)
        found = list(pool.map(self._check, unknown))
        # What cannot be read at the moment is neither good nor bad, and is left alone.
        checked = [
            _kept_if_the_same(each, rejected.get((each.work_id, each.page, each.version)))
            for each in found
            if isinstance(each, Checked)
        ]
        self._report(each for each in found if isinstance(each, ItemFailure))
        bad = [each for each in checked if each.state is FileState.REJECTED]
        # In this order a crash leaves a file that the next round rejects again, never a row in
        # the archive for a file that is not there.
        remove_entries(
            self._account.archive_path,
            [entry_of(each.work_id, each.page, each.version) for each in bad],
        )
        for each in bad:
            (self._account.download_directory / each.path).unlink(missing_ok=True)
        with self._ledger.write() as connection:
            added = enter_files(connection, self._account.name, checked, run_id=self._run_id)
        self.result.count("added", added)
        self.result.count("rejected", len(bad))
        self.result.count("bytes", sum(each.size_bytes for each in checked))
        self._report(
            ItemFailure(
                f"work {each.work_id}, page {each.page}",
                f"{each.path}: {each.failure_reason}",
                "It was removed and is downloaded again.",
            )
            for each in bad
        )

    def _is_as_it_was(self, known: StoredFile) -> bool:
        path = self._account.download_directory / known.path
        return path.exists() and path.stat().st_size == known.size_bytes

    def _check(self, fact: FileFact) -> Checked | ItemFailure:
        path = self._locate(fact)
        kind = FileKind.UGOIRA if path.suffix == ".zip" else FileKind.PAGE
        relative = str(path.relative_to(self._account.download_directory))
        try:
            found = verify(path)
        except (BadFileError, FileNotFoundError) as error:
            content = error.content if isinstance(error, DamagedPictureError) else None
            reason = "it is not there" if isinstance(error, FileNotFoundError) else str(error)
            return Checked(
                fact.work_id,
                fact.page,
                fact.version,
                kind,
                FileState.REJECTED,
                relative,
                size_bytes=content.size_bytes if content else 0,
                sha256=content.sha256 if content else "",
                failure_reason=reason,
            )
        except OSError as error:
            return ItemFailure(
                f"work {fact.work_id}, page {fact.page}",
                f"{path} cannot be read: {error.strerror or error}",
                "Look at its disk and at the file's mode; the next rounds try again.",
            )
        return Checked(
            fact.work_id,
            fact.page,
            fact.version,
            kind,
            FileState.VERIFIED,
            relative,
            size_bytes=found.size_bytes,
            sha256=found.sha256,
        )

    def _locate(self, fact: FileFact) -> Path:
        """Find the file: of one that was skipped, gallery-dl knows the address's suffix only."""
        path = Path(fact.path)
        if not path.exists():
            return next(iter(sorted(path.parent.glob(f"{path.stem}.*"))), path)
        return path

    def _report(self, failures: Iterable[ItemFailure]) -> None:
        for each in failures:
            self.result.failures.append(each)
            _logger.warning("%s: %s. %s", each.item, each.error, each.remedy)


def _kept_if_the_same(checked: Checked, before: StoredFile | None) -> Checked:
    """Keep a damaged picture that was downloaded anew and is the same: Pixiv has it so."""
    is_same = before is not None and checked.sha256 != "" and checked.sha256 == before.sha256
    if checked.state is not FileState.REJECTED or not is_same:
        return checked
    _logger.warning("%s is kept although %s", checked.path, checked.failure_reason)
    return replace(checked, state=FileState.VERIFIED)
