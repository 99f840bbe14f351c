"""The assets of the watchlist. Glue only: `worker` does the work."""

from collections.abc import Generator

import dagster as dg

from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets.watchlist.checks import CHECKS
from sync_assets.watchlist.keys import DOWNLOADS, EPISODES, ITEMS
from sync_assets.watchlist.models import ITEM_PARTITIONS
from sync_assets.watchlist.reporting import DOMAIN
from sync_assets.watchlist.runs import check_for_run

PARTITIONS = dg.DynamicPartitionsDefinition(name=ITEM_PARTITIONS)


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Build the assets.

    Args:
        settings: The whole configuration.
    """
    off = "" if settings.watchlist.enabled else " **Off: set watchlist.enabled in sync.toml.**"

    @dg.multi_asset(
        name=DOMAIN,
        group_name=DOMAIN,
        partitions_def=PARTITIONS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=DOMAIN,
        can_subset=True,
        check_specs=CHECKS,
        specs=[
            dg.AssetSpec(
                ITEMS,
                skippable=True,
                kinds={"api"},
                description="What users watch, one partition per item: its last look for "
                f"episodes. Without a partition, a run looks for all that are due.{off}",
            ),
            dg.AssetSpec(
                EPISODES,
                deps=[ITEMS],
                skippable=True,
                description=f"The episodes of each item, and what becomes of them.{off}",
            ),
            dg.AssetSpec(
                DOWNLOADS,
                deps=[EPISODES],
                skippable=True,
                kinds={"file"},
                description="The episodes of each item that the relay downloads, or has "
                f"downloaded.{off}",
            ),
        ],
    )
    def watchlist(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> Generator[dg.MaterializeResult | dg.AssetCheckResult]:
        yield from check_for_run(context, settings, ledger, lake)

    return [watchlist]
