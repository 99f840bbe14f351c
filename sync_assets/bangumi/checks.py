"""What must be true of the reports: enough is matched, nothing unsure is marked, runs converge."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.bangumi.reporting import DOMAIN
from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import BangumiSettings

if TYPE_CHECKING:
    from sync_assets.lake import Lake


def build_checks(settings: BangumiSettings) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        settings: The domain's settings.
    """
    minimum_confidence = settings.matching.minimum_confidence

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "matches"]),
        description="Enough of the anime that was watched has a place on Bangumi.",
    )
    def match_rate(lake: LakeResource) -> dg.AssetCheckResult:
        """Check the share of the anime that is matched, of the worst account."""
        from sync_assets.bangumi.match_table import read_matches
        from sync_assets.bangumi.matching_stage import match_rate as rate_of

        opened = lake.open()
        accounts = _matched_accounts(opened, settings.accounts)
        rates = {account: rate_of(read_matches(opened, account)) for account in accounts}
        worst = min(rates.values(), default=1.0)
        return dg.AssetCheckResult(
            passed=worst >= settings.matching.minimum_match_rate,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={f"match_rate {name}": round(rate, 4) for name, rate in rates.items()},
        )

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "reports"]),
        description="No mark was set that is less sure than the configured confidence.",
    )
    def no_low_confidence_marks(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        """Check the confidence of every mark that was set from here."""
        from sync_assets.bangumi.models import EpisodeState
        from sync_assets.bangumi.report_models import ReportKind, ReportState
        from sync_assets.bangumi.reports import read_reports

        unsure = []
        for account in settings.accounts:
            with ledger.read() as connection:
                done = read_reports(connection, account, states=[ReportState.DONE])
            unsure += [
                f"{account}: {each.title} ({each.key.subject})"
                for each in done
                if each.sent_by_run is not None
                and each.key.kind is not ReportKind.COLLECTION
                and each.target_type == EpisodeState.WATCHED
                and (each.confidence or 0.0) < minimum_confidence
            ]
        return dg.AssetCheckResult(
            passed=not unsure, metadata={"unsure": len(unsure), "first": unsure[:20]}
        )

    @dg.asset_check(
        asset=dg.AssetKey([DOMAIN, "reports"]),
        description="Running again would change nothing: nothing is planned, and nothing has to "
        "be asked. What failed waits for its time; in a dry run the plan waits for you.",
    )
    def second_run_plans_nothing(
        lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.AssetCheckResult:
        """Check that no subject of any account is open."""
        from sync_assets.bangumi.planning import open_subjects

        opened = lake.open()
        found = {
            account: len(open_subjects(opened, ledger, settings, account))
            for account in _matched_accounts(opened, settings.accounts)
            if not settings.accounts[account].paused
        }
        return dg.AssetCheckResult(
            passed=settings.dry_run or not any(found.values()),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={f"open {name}": count for name, count in found.items()},
        )

    return [match_rate, no_low_confidence_marks, second_run_plans_nothing]


def _matched_accounts(lake: "Lake", accounts: Collection[str]) -> list[str]:
    from sync_assets.bangumi.match_table import ASSET

    return [each for each in lake.partitions(ASSET) if each in accounts]
