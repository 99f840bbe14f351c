"""To Bangumi, read from top to bottom: media servers' items, matches, plan, reports. Glue only."""

from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.bangumi.reporting import DOMAIN
from sync_assets.bangumi.runs import Stage
from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings

if TYPE_CHECKING:
    from sync_assets.bangumi.account_run import AccountRun, StageResult


class ReportsConfig(dg.Config):
    """How to report in one run.

    Attributes:
        dry_run: Send nothing, whatever the configuration says.
    """

    dry_run: bool = False


def build_assets(
    settings: Settings, partitions: dg.StaticPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Build the assets for the configured accounts.

    Args:
        settings: The whole configuration.
        partitions: One partition per account.

    Returns:
        The assets, in the order of the pipeline.
    """
    configured = bool(settings.bangumi.accounts)
    off = "" if configured else " **Not configured: add [bangumi.accounts.NAME] to sync.toml.**"

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"sqlite"},
        partitions_def=partitions,
        pool=DOMAIN,
        description="What was watched on media servers, by their webhooks, and what other programs "
        f"have sent. The ledger keeps it.{off}",
    )
    def custom(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        from sync_assets.bangumi.custom.stage import take_in

        return Stage(settings, ledger, lake.open()).run(context, take_in)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"parquet"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[
            custom,
            ["trakt", "history"],
            ["trakt", "changes"],
            ["trakt", "collection"],
            ["catalog", "anime"],
        ],
        description="Where everything that was watched belongs on Bangumi: each answer with its "
        f"method, confidence and reasons. What is not sure waits for review.{off}",
    )
    def matches(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        from sync_assets.bangumi.matching_stage import match
        from sync_assets.catalog.refreshing import INDEX_NAME

        def work(run: "AccountRun") -> "StageResult":
            index = settings.catalog_directory / INDEX_NAME
            return match(run, index, settings.overrides_path)

        return Stage(settings, ledger, lake.open()).run(context, work)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"parquet"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[matches, ["trakt", "ratings"]],
        description="What would change at Bangumi: the difference between what was watched "
        f"and what Bangumi has, as a table and CSV. Nothing is sent.{off}",
    )
    def plan(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        from sync_assets.bangumi.planning import plan as work

        return Stage(settings, ledger, lake.open()).run(context, work)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"api"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[plan],
        description="What was sent to Bangumi: entries of the collection, marks in one batch per "
        f"subject, ratings. With bangumi.dry_run nothing is.{off}",
    )
    def reports(
        context: dg.AssetExecutionContext,
        config: ReportsConfig,
        lake: LakeResource,
        ledger: dg.ResourceParam[Ledger],
    ) -> dg.MaterializeResult:
        from sync_assets.bangumi.sending import report

        is_dry = settings.bangumi.dry_run or config.dry_run
        work = partial(report, is_dry=is_dry)
        return Stage(settings, ledger, lake.open()).run(context, work)

    return [custom, matches, plan, reports]
