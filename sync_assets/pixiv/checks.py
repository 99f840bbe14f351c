"""What must be true of the Pixiv pipeline: the list was read whole, and the files are there."""

from datetime import timedelta

import dagster as dg

from sync_assets.errors import ItemFailure
from sync_assets.failures import failure_table
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.pixiv.account import open_account
from sync_assets.pixiv.accounts import read_accounts
from sync_assets.pixiv.files import read_files
from sync_assets.pixiv.models import DOMAIN, FileState, WorkState
from sync_assets.pixiv.presence import missing_files
from sync_assets.pixiv.works import read_works
from sync_assets.settings import Settings


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        settings: The whole configuration.
    """
    accounts = sorted(settings.pixiv.accounts)

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "bookmarks"]),
        description="The whole list of every account was read to its end, not too long ago.",
    )
    def listing_is_complete(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        """Check that every account has a whole listing that is not out of date."""
        with ledger.read() as connection:
            states = read_accounts(connection)
        oldest = utc_now() - timedelta(hours=2 * settings.pixiv.full_pass_hours)
        incomplete = []
        for name in accounts:
            state = states.get(name)
            listed_at = None if state is None else state.full_listing_at
            if listed_at is None:
                error, remedy = "its list was never read to its end", "Look at its last run."
            elif listed_at < oldest:
                error = f"its list was last read to its end at {listed_at:%Y-%m-%d %H:%M} UTC"
                remedy = "Look at its last runs: works that were removed are not noticed."
            else:
                continue
            incomplete.append(ItemFailure(name, error, remedy))
        return _result(incomplete, dg.AssetCheckSeverity.WARN)

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "files"]),
        description="Every file of the ledger is on the disk.",
    )
    def files_are_on_disk(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        """Check that no verified file is missing."""
        missing = []
        for name in accounts:
            with ledger.read() as connection:
                files = read_files(connection, name, states={FileState.VERIFIED})
            directory = open_account(settings, name).download_directory
            missing += [
                ItemFailure(
                    f"{name}: work {each.work_id}, page {each.page}",
                    f"{each.path} is not in {directory}",
                    "Put it back, or run scripts/pixiv-adopt --recheck to download it again.",
                )
                for each in missing_files(directory, files)
            ]
        return _result(missing, dg.AssetCheckSeverity.ERROR)

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "files"]),
        description="No work has used up its attempts.",
    )
    def works_are_downloaded(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        """Check that no work waits for a full pass after too many attempts."""
        failed = []
        for name in accounts:
            with ledger.read() as connection:
                works = read_works(connection, name, states={WorkState.FAILED})
            failed += [
                ItemFailure(
                    f"{name}: work {work.work_id}",
                    work.failure_reason or "",
                    "The next full pass tries it again.",
                )
                for work in works.values()
            ]
        return _result(failed, dg.AssetCheckSeverity.WARN)

    return [listing_is_complete, files_are_on_disk, works_are_downloaded]


def _result(failures: list[ItemFailure], severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
    metadata = (
        {"items": dg.MetadataValue.md(failure_table(failures, all_are_in="the ledger"))}
        if failures
        else {}
    )
    return dg.AssetCheckResult(
        passed=not failures,
        severity=severity,
        metadata={"failed": len(failures), **metadata},
    )
