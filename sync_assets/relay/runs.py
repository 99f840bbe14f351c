"""Drive the relay in a Dagster run: glue between Dagster and `worker`."""

import time
from collections.abc import Generator, Sequence

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

COUNTED_TO = "ledger_event"
"""The metadata that says which event of the history was the newest one that was counted in."""

REPORTED_TO = "ledger_reported"
"""The metadata that says up to which event of the history every day has been reported."""


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
    yield from _report_days(context, ledger)
    context.log.info("The relay rests after %.1f s: %s", time.monotonic() - started_at, numbers)


def _report_days(
    context: dg.AssetExecutionContext, ledger: Ledger
) -> Generator[dg.MaterializeResult]:
    """Report the days that have changed since the last report, whoever changed them.

    That is more than this run has done: a run that was killed has reported nothing.
    """
    # Dagster wants them in the order of the graph.
    keys = [key for key in (MEDIA, DOWNLOADS, UPLOADS) if key in context.selected_asset_keys]
    own = context.partition_key if context.has_partition_key else None
    with ledger.read() as connection:
        newest = last_event_id(connection)
        reported = _reported_to(context.instance, keys, newest)
        days = changed_days(connection, reported)
        counts = {day: count_day(connection, day) for day in {*days, *([own] if own else [])}}
    for day in sorted(counts):
        # Whoever is killed between two days reports all of them again.
        is_last = day == max(counts)
        history = {COUNTED_TO: newest, REPORTED_TO: newest if is_last else reported}
        metadata = {
            MEDIA: counts[day].media_metadata(),
            DOWNLOADS: counts[day].download_metadata(),
            UPLOADS: counts[day].uploads.metadata(),
        }
        for key in keys:
            values = {**metadata[key], **history}
            if day == own:
                yield dg.MaterializeResult(asset_key=key, metadata=values)
            else:
                context.log_event(dg.AssetMaterialization(key, partition=day, metadata=values))


def _reported_to(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey], newest: int) -> int:
    """Return the last event that all these assets have reported; 0 where one never has."""
    found = []
    for key in keys:
        event = instance.get_latest_materialization_event(key)
        materialization = event.asset_materialization if event is not None else None
        value = materialization.metadata.get(REPORTED_TO) if materialization is not None else None
        found.append((value.value or 0) if isinstance(value, dg.IntMetadataValue) else 0)
    reported = min(found)
    # Higher than the newest one: the ledger is another one, such as a restored one.
    return reported if reported <= newest else 0
