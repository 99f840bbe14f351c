"""Drive the relay in a Dagster run: glue between Dagster and `worker`."""

import time
from collections.abc import Generator

import dagster as dg

from sync_assets.failures import failing_step
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import last_event_id
from sync_assets.ledger.leases import LeaseHeldError
from sync_assets.logs import stage
from sync_assets.relay.counting import changed_days, count_day
from sync_assets.relay.reporting import Reporter
from sync_assets.settings import Settings

MEDIA = dg.AssetKey(["relay", "media"])
DOWNLOADS = dg.AssetKey(["relay", "downloads"])
UPLOADS = dg.AssetKey(["relay", "uploads"])


def drive_for_run(
    context: dg.AssetExecutionContext, settings: Settings, ledger: Ledger
) -> Generator[dg.MaterializeResult]:
    """Drive everything to rest, and report every day of arrival that changed.

    Args:
        context: The assets' context; its partition, if any, is reported too.
        settings: The whole configuration.
        ledger: The ledger.

    Yields:
        The results of the run's own partition.

    Raises:
        dagster.Failure: The relay is off, or could not work.
    """
    if not settings.relay.enabled:
        raise dg.Failure(
            description="The relay is off. Set relay.enabled = true in sync.toml; "
            "docs/relay.md says how to begin.",
            allow_retries=False,
        )
    # Not with the definitions: it brings an HTTP client.
    from sync_assets.relay.worker import drive  # noqa: PLC0415

    run_id = context.run.run_id
    reporter = Reporter(settings, ledger, run_id=run_id)
    with ledger.read() as connection:
        first_event = last_event_id(connection)
    started_at = time.monotonic()
    numbers = {}
    with failing_step(reporter.failed):
        try:
            with stage(context, "relay") as logged:
                numbers = reporter.succeeded(drive(settings, ledger, run_id=run_id))
                logged.update(numbers)
        except LeaseHeldError as error:
            # The other run drives what this one was to drive.
            context.log.info("%s", error.message)
    yield from _report_days(context, ledger, first_event)
    context.log.info("The relay rests after %.1f s: %s", time.monotonic() - started_at, numbers)


def _report_days(
    context: dg.AssetExecutionContext, ledger: Ledger, first_event: int
) -> Generator[dg.MaterializeResult]:
    own = context.partition_key if context.has_partition_key else None
    with ledger.read() as connection:
        days = changed_days(connection, first_event)
        counts = {day: count_day(connection, day) for day in {*days, *([own] if own else [])}}
    for day in sorted(counts):
        metadata = {
            MEDIA: counts[day].media_metadata(),
            DOWNLOADS: counts[day].download_metadata(),
            UPLOADS: counts[day].uploads.metadata(),
        }
        # Dagster wants them in the order of the graph.
        for key in (each for each in metadata if each in context.selected_asset_keys):
            if day == own:
                yield dg.MaterializeResult(asset_key=key, metadata=metadata[key])
            else:
                context.log_event(
                    dg.AssetMaterialization(key, partition=day, metadata=metadata[key])
                )
