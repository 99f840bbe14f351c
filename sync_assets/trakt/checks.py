"""What must be true of Trakt's tables: each play once, and no cursor beyond a failure."""

from collections import Counter

import dagster as dg

from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import ResultStatus
from sync_assets.settings import Settings
from sync_assets.trakt.activities import DATASETS
from sync_assets.trakt.cursors import read_cursor
from sync_assets.trakt.history import SEPARATOR
from sync_assets.trakt.reporting import FIRST_STAGE, Reporter
from sync_assets.trakt.tables import HISTORY


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        settings: The whole configuration.
    """
    changes = dg.AssetKey(["trakt", "changes"])

    @dg.asset_check(
        asset=changes,
        description="Each play of trakt/history is in one month only.",
    )
    def each_play_is_once(lake: LakeResource) -> dg.AssetCheckResult:
        """Check that no history id is twice in an account's tables."""
        opened = lake.open()
        counts: Counter[tuple[str, int]] = Counter()
        for partition in opened.partitions(HISTORY):
            account = partition.partition(SEPARATOR)[0]
            table = opened.table(HISTORY, partition=partition, columns=["history_id"])
            counts.update((account, each) for each in table.column("history_id").to_pylist())
        repeated = [key for key, count in counts.items() if count > 1]
        return dg.AssetCheckResult(
            passed=not repeated,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"plays": len(counts), "repeated": len(repeated)},
        )

    @dg.asset_check(
        asset=changes,
        description="No cursor has moved past a failure: what failed is read again.",
    )
    def cursors_are_honest(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        """Check that the history's cursor is behind where its last reading did not succeed."""
        ahead = []
        for account in settings.trakt.active_accounts:
            last = Reporter(settings, ledger).last(account)
            stages = last.detail.get("stages", {}) if last else {}
            if stages.get(FIRST_STAGE, {}).get("status", ResultStatus.OK) == ResultStatus.OK:
                continue
            with ledger.read() as connection:
                cursor = read_cursor(connection, account, "history")
                observed = read_cursor(connection, account, "activities")
            activity, sections = DATASETS["history"]
            moments = {
                section: at
                for section, name, at in observed.get("moments", ())
                if name == activity and section in sections
            }
            if moments and moments.items() <= cursor.items():
                ahead.append(account)
        return dg.AssetCheckResult(
            passed=not ahead,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"ahead": len(ahead), **({"accounts": ", ".join(ahead)} if ahead else {})},
        )

    return [each_play_is_once, cursors_are_honest]
