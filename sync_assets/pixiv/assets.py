"""The Pixiv pipeline, read from top to bottom: bookmarks, files, animations.

Glue only: each asset does one stage of `pipeline` for the run's account. They are in no pool: an
account that Pixiv limits would hold up the others. What must not overlap holds the account's lease.
"""

import dagster as dg

from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.pixiv.announcing import Announce
from sync_assets.pixiv.models import DOMAIN
from sync_assets.pixiv.pipeline import download_files, make_animations, sync_bookmarks
from sync_assets.pixiv.runs import AccountRun
from sync_assets.settings import Settings


def build_assets(
    settings: Settings, partitions: dg.StaticPartitionsDefinition, announce: Announce
) -> list[dg.AssetsDefinition]:
    """Build the pipeline for the configured accounts.

    Args:
        settings: The whole configuration.
        partitions: One partition per account.
        announce: Queues the posts of a work.

    Returns:
        The assets, in the order of the pipeline.
    """
    off = (
        ""
        if settings.pixiv.accounts
        else " **Not configured: add [pixiv.accounts.NAME] to sync.toml.**"
    )

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"parquet"},
        partitions_def=partitions,
        description="The bookmarks of each account: what each work is, where it stands in the "
        f"list, when it was first and last seen, and whether it is still there.{off}",
    )
    def bookmarks(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        return AccountRun(settings, ledger, lake.open(), announce).run(context, sync_bookmarks)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"file"},
        partitions_def=partitions,
        deps=[bookmarks],
        description="The files of the bookmarked works, each one looked at from its first byte to "
        f"its last before it counts. A work that was uploaded again keeps its old files.{off}",
    )
    def files(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        return AccountRun(settings, ledger, lake.open(), announce).run(context, download_files)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"file"},
        partitions_def=partitions,
        deps=[files],
        description="A video of each animation, with the delays that its artist chose; the "
        f"original zip is kept.{off}",
    )
    def animations(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        return AccountRun(settings, ledger, lake.open(), announce).run(context, make_animations)

    return [bookmarks, files, animations]
