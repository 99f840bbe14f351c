"""Drive the watchlist in a Dagster run: glue between Dagster and `worker`."""

from collections.abc import Generator, Sequence

import dagster as dg

from sync_assets.failures import failing_step
from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.watchlist.announcing import announce
from sync_assets.watchlist.checks import CHECKS, check_results
from sync_assets.watchlist.counting import ItemCounts, count_items, existing_items
from sync_assets.watchlist.keys import DOWNLOADS, EPISODES, ITEMS
from sync_assets.watchlist.models import ITEM_PARTITIONS
from sync_assets.watchlist.reporting import DOMAIN, Reporter


def check_for_run(
    context: dg.AssetExecutionContext, settings: Settings, ledger: Ledger, lake: LakeResource
) -> Generator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Check the run's items, without partitions all that are due, and report what changed.

    Args:
        context: The assets' context.
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake, for what Trakt says is watched.

    Yields:
        The results of the run's own partition, and those of the checks.

    Raises:
        dagster.Failure: The watchlist is off, or could not work.
    """
    if not settings.watchlist.enabled:
        raise dg.Failure(
            description="The watchlist is off. Set watchlist.enabled = true in sync.toml; "
            "docs/watchlist.md says how to begin.",
            allow_retries=False,
        )
    # Not with the definitions: it brings an HTTP client and a parser of feeds.
    from sync_assets.watchlist.watched import mark_watched  # noqa: PLC0415
    from sync_assets.watchlist.worker import INDEX_NAME, Worker  # noqa: PLC0415

    run_id = context.run.run_id
    reporter = Reporter(settings, ledger, run_id=run_id)
    keys = list(context.partition_keys) if _has_partitions(context) else None
    with failing_step(reporter.failed):
        with stage(context, DOMAIN) as logged:
            worker = Worker(settings, ledger, run_id=run_id)
            report = worker.run(None if keys is None else [int(key) for key in keys])
            report.changed |= mark_watched(
                ledger,
                lake.open(),
                settings.trakt.active_accounts,
                settings.catalog_directory / INDEX_NAME,
            )
            announce(ledger)
            logged.update(report.numbers)
        reporter.succeeded(report)
    with ledger.read() as connection:
        counts = count_items(connection, report.changed)
        existing = {str(item_id) for item_id in existing_items(connection)}
    update_partitions(context.instance, existing, keep=keys or ())
    yield from _report_items(context, counts, own=keys or ())
    yield from _report_checks(context, ledger, has_partitions=keys is not None)


def update_partitions(
    instance: dg.DagsterInstance, existing: set[str], *, keep: Sequence[str] = ()
) -> None:
    """Give each item its partition, and take those of deleted items away.

    Args:
        instance: Dagster.
        existing: The keys of the items that there are.
        keep: Partitions of runs at work, which need them to their end.
    """
    known = set(instance.get_dynamic_partitions(ITEM_PARTITIONS))
    new = sorted(existing - known, key=int)
    if new:
        instance.add_dynamic_partitions(ITEM_PARTITIONS, new)
    for key in known - existing - set(keep):
        instance.delete_dynamic_partition(ITEM_PARTITIONS, key)


def _has_partitions(context: dg.AssetExecutionContext) -> bool:
    return context.has_partition_key or context.has_partition_key_range


def _report_items(
    context: dg.AssetExecutionContext, counts: dict[int, ItemCounts], *, own: Sequence[str]
) -> Generator[dg.MaterializeResult]:
    for item_id, count in counts.items():
        key, metadata = str(item_id), _metadata(count)
        # Dagster wants them in the order of the graph.
        for asset_key in (each for each in metadata if each in context.selected_asset_keys):
            if [key] == list(own):
                yield dg.MaterializeResult(asset_key=asset_key, metadata=metadata[asset_key])
            else:
                context.log_event(
                    dg.AssetMaterialization(asset_key, partition=key, metadata=metadata[asset_key])
                )


def _report_checks(
    context: dg.AssetExecutionContext, ledger: Ledger, *, has_partitions: bool
) -> Generator[dg.AssetCheckResult]:
    for check, result in zip(CHECKS, check_results(ledger), strict=True):
        if check.key not in context.selected_asset_check_keys:
            continue
        if has_partitions:
            yield result
        else:
            # Dagster takes no result of a partitioned asset from a run without partitions.
            context.instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=check.asset_key,
                    check_name=check.name,
                    passed=result.passed,
                    severity=result.severity,
                    metadata=result.metadata,
                )
            )


def _metadata(counts: ItemCounts) -> dict[dg.AssetKey, dict[str, str | int]]:
    """Return what is to be materialized: nothing of episodes or downloads that there are not."""
    metadata: dict[dg.AssetKey, dict[str, str | int]] = {ITEMS: counts.item_metadata()}
    if counts.episodes:
        metadata[EPISODES] = {**counts.episode_metadata()}
    downloads = counts.download_metadata()
    if any(downloads.values()):
        metadata[DOWNLOADS] = {**downloads}
    return metadata
