"""The STRM pipeline, read from top to bottom: listing, tree, metadata, orphans and so on.

Glue only: each asset does one stage of `pipeline` for every selected job. Listing and tree are one
step where both are wanted, so that writing need not wait for the end of the scan.
"""

from collections.abc import Iterator
from functools import partial

import dagster as dg

from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets.strm.deleting.approval import APPROVAL_JOB
from sync_assets.strm.events.runs import EventRun
from sync_assets.strm.metadata.stage import write_metadata
from sync_assets.strm.pipeline import (
    clean_and_tell,
    list_and_write,
    list_source,
    tell_media_servers,
    write_tree,
)
from sync_assets.strm.reporting import DOMAIN
from sync_assets.strm.runs import Stage

LIBRARY_OP = f"{DOMAIN}__library"
METADATA_OP = f"{DOMAIN}__metadata"


class LibraryConfig(dg.Config):
    """How to write the files in one run.

    Attributes:
        skip_existing: Leave every file that is there as it is, unless it is empty or torn.
    """

    skip_existing: bool = False


class MetadataConfig(dg.Config):
    """How to bring metadata files in one run.

    Attributes:
        skip_existing: Leave every file that is there as it is, whatever the job's policy.
    """

    skip_existing: bool = False


class OrphansConfig(dg.Config):
    """How to treat orphans in one run.

    Attributes:
        dry_run: Only say what would be deleted.
        approved_plan: The id of a deletion plan beyond the limits that may be carried out.
    """

    dry_run: bool = False
    approved_plan: str | None = None


def build_assets(
    settings: Settings, partitions: dg.StaticPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Build the pipeline for the configured jobs.

    Args:
        settings: The whole configuration.
        partitions: One partition per job.

    Returns:
        The assets, in the order of the pipeline.
    """
    off = "" if settings.strm.jobs else " **Not configured: add [strm.jobs.NAME] to sync.toml.**"

    listing = dg.AssetSpec(
        [DOMAIN, "listing"],
        group_name=DOMAIN,
        kinds={"parquet"},
        description="What the source of each job holds: every folder and file, and for each "
        f"folder whether its listing is whole.{off}",
    )
    tree = dg.AssetSpec(
        [DOMAIN, "tree"],
        deps=[listing],
        group_name=DOMAIN,
        kinds={"file"},
        description="The .strm files of each job, made equal to the listing: new ones are "
        f"written, changed ones replaced, all others left exactly as they are.{off}",
    )

    @dg.multi_asset(
        name=LIBRARY_OP,
        specs=[listing, tree],
        partitions_def=partitions,
        pool=DOMAIN,
        can_subset=True,
        description="Lists a source, and writes each folder's files as soon as it is listed.",
    )
    def library(
        context: dg.AssetExecutionContext,
        config: LibraryConfig,
        lake: LakeResource,
        ledger: dg.ResourceParam[Ledger],
    ) -> Iterator[dg.MaterializeResult]:
        stage = Stage(settings, ledger, lake.open())
        write = partial(write_tree, skip_existing=config.skip_existing)
        both = partial(list_and_write, skip_existing=config.skip_existing)
        selected = context.selected_asset_keys
        if selected == {listing.key}:
            yield stage.run(context, list_source)
        elif selected == {tree.key}:
            yield stage.run(context, write)
        else:
            yield from stage.run_together(context, [listing.key, tree.key], both)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"file"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[listing, tree],
        description="The nfo files, images and subtitles that came along beside the .strm files: "
        "new ones, and those that changed at the source. A file of your own is never touched."
        f"{off}",
    )
    def metadata(
        context: dg.AssetExecutionContext,
        config: MetadataConfig,
        lake: LakeResource,
        ledger: dg.ResourceParam[Ledger],
    ) -> dg.MaterializeResult:
        work = partial(write_metadata, skip_existing=config.skip_existing)
        return Stage(settings, ledger, lake.open()).run(context, work)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"file"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[listing, tree, metadata],
        description="Files of the library whose media are gone. They are deleted only where the "
        f"listing is whole, and only within the job's limits.{off}",
    )
    def orphans(
        context: dg.AssetExecutionContext,
        config: OrphansConfig,
        lake: LakeResource,
        ledger: dg.ResourceParam[Ledger],
    ) -> dg.MaterializeResult:
        work = partial(
            clean_and_tell,
            dry_run=config.dry_run,
            approved_plan=config.approved_plan,
            only_approved=context.run.job_name == APPROVAL_JOB,
        )
        return Stage(settings, ledger, lake.open()).run(context, work)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"api"},
        partitions_def=partitions,
        pool=DOMAIN,
        deps=[tree, metadata, orphans],
        description="What Jellyfin and Emby were told: exactly the files that changed, in batches. "
        f"What a server could not be told is kept for the next run.{off}",
    )
    def announcements(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        stage = Stage(settings, ledger, lake.open())
        return stage.run(context, tell_media_servers)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"file"},
        pool=DOMAIN,
        description="What storage events changed in the libraries of all jobs, without a scan: "
        f"the paths that they name are looked up at the source, and nothing else.{off}",
    )
    def changes(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        return EventRun(settings, ledger, lake.open()).run(context)

    return [library, metadata, orphans, announcements, changes]
