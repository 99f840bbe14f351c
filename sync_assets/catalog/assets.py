"""The catalogue's one asset: glue around `refreshing`."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from sync_assets.catalog.reporting import DOMAIN, report_failure, report_refresh
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.logs import stage
from sync_assets.settings import Settings

if TYPE_CHECKING:
    from sync_assets.catalog.refreshing import RefreshResult

LEASE_NAME = "catalog"
LEASE_WAIT_SECONDS = 60.0


def build_asset(settings: Settings) -> dg.AssetsDefinition:
    """Build the asset.

    Args:
        settings: The whole configuration.
    """
    off = "" if settings.catalog.enabled else " **Not configured: set catalog.enabled = true.**"

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"sqlite"},
        pool=DOMAIN,
        description="Which episodes of TMDB, TheTVDB and Trakt are which Bangumi subjects: one "
        "local index, compiled from public mapping sources. Where a source is broken, its last "
        f"good copy is used.{off}",
    )
    def anime(
        context: dg.AssetExecutionContext, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        if not settings.catalog.enabled:
            description = "The catalogue is off. Set catalog.enabled = true in sync.toml."
            raise dg.Failure(description=description, allow_retries=False)
        started_at, run_id = time.monotonic(), context.run.run_id
        try:
            result = _refresh(context, settings, ledger)
        except SyncError as error:
            report_failure(ledger, settings, run_id, error)
            raise dg.Failure(description=str(error), allow_retries=False) from error
        except Exception as error:
            report_failure(ledger, settings, run_id, error)
            raise
        report_refresh(ledger, settings, run_id, result)
        return dg.MaterializeResult(metadata=_metadata(result, time.monotonic() - started_at))

    return anime


def _refresh(
    context: dg.AssetExecutionContext, settings: Settings, ledger: Ledger
) -> "RefreshResult":
    import httpx

    from sync_assets.catalog.fetching import SourceFetcher
    from sync_assets.catalog.refreshing import refresh

    purpose = f"run {context.run.run_id}"
    with (
        stage(context, f"{DOMAIN}/anime") as logged,
        hold_lease(ledger, LEASE_NAME, purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS),
        httpx.Client(timeout=settings.catalog.timeout_seconds, follow_redirects=True) as client,
    ):
        result = refresh(settings.catalog_directory, settings.catalog, SourceFetcher(client))
        logged.update(subjects=result.subjects, failed=len(result.problems))
    return result


def _metadata(result: "RefreshResult", seconds: float) -> dict[str, dg.MetadataValue | float]:
    rows = [
        f"| {each.name} | {each.entries:,} | {'new' if each.changed else 'as before'} "
        f"| {each.problem or ''} |"
        for each in result.sources
    ]
    head = ["| source | entries | version | problem |", "|---|---|---|---|"]
    return {
        "subjects": result.subjects,
        "links": result.links,
        "unresolved": result.unresolved,
        "bytes": result.bytes,
        "changed": sum(each.changed for each in result.sources),
        "failed": len(result.problems),
        "seconds": round(seconds, 3),
        "sources": dg.MetadataValue.md("\n".join(head + rows)),
    }
