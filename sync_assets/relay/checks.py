"""What must be true: the ledger and the disk agree, and nothing has failed or lies about."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import LeaseHeldError
from sync_assets.ledger.schema import relay_downloads
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, uploads
from sync_assets.relay.models import DownloadState, UploadState
from sync_assets.relay.runs import DOWNLOADS, UPLOADS
from sync_assets.settings import Settings

_SHOWN = 50


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        settings: The whole configuration.
    """

    @dg.asset_check(
        asset=DOWNLOADS,
        description="Every completed download that is not cleaned has its file. One that has not "
        "is fetched again after a retry.",
    )
    def completed_files_are_there(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            rows = downloads.in_state(connection, DownloadState.COMPLETED)
        missing = [row for row in rows if not row.cleaned_at and not Path(row.path).exists()]
        return _result("missing", missing)

    @dg.asset_check(
        asset=DOWNLOADS,
        description="No download has been given up. Its reason says what to do, then retry it.",
    )
    def no_failed_downloads(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            return _result("failed", downloads.in_state(connection, DownloadState.FAILED))

    @dg.asset_check(
        asset=DOWNLOADS,
        description="Every folder of downloads belongs to one that the ledger knows. Look into "
        "those that do not; remove them by hand.",
    )
    def no_orphan_folders(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            known = set(connection.execute(select(relay_downloads.c.gid)).scalars())
        root = settings.relay.download_directory
        found = sorted(each.name for each in root.iterdir()) if root.exists() else []
        orphans = [name for name in found if name not in known]
        return dg.AssetCheckResult(
            passed=not orphans,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"orphans": len(orphans), "folders": orphans[:_SHOWN]},
        )

    @dg.asset_check(
        asset=UPLOADS,
        description="No upload has been given up. Its reason says what to do, then retry it.",
    )
    def no_failed_uploads(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            rows = uploads.uploads_in_state(connection, UploadState.FAILED)
        lines = [
            f"| {row.id} | {row.target} | {_cell(row.media_name)} | {_cell(row.failure_reason)} |"
            for row in rows[:_SHOWN]
        ]
        table = "\n".join(["| upload | target | file | why |", "|---|---|---|---|", *lines])
        return _table("failed", "uploads", len(rows), table)

    @dg.asset_check(
        asset=UPLOADS,
        description="A file is removed here only after every required target was verified.",
    )
    def nothing_cleaned_early(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            early = uploads.cleaned_early(connection)
        return dg.AssetCheckResult(
            passed=not early, metadata={"early": len(early), "downloads": list(early[:_SHOWN])}
        )

    @dg.asset_check(
        asset=UPLOADS,
        description="Ledger, disk, aria2 and remotes agree. `scripts/reconcile relay` prints each "
        "difference, and with --fix repairs what can be without doubt.",
    )
    def nothing_differs(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        # Not with the definitions: it brings an HTTP client.
        from sync_assets.relay.reconciling import reconcile  # noqa: PLC0415

        try:
            findings = reconcile(settings, ledger, fix=False)
        except LeaseHeldError:
            # What moves cannot be compared; the next check is.
            return dg.AssetCheckResult(passed=True, metadata={"compared": False})
        lines = [
            f"| {each.difference} | {_cell(each.subject)} | {_cell(each.text)} "
            f"| {_cell(each.repair)} |"
            for each in findings[:_SHOWN]
        ]
        header = ["| difference | of | what | repair |", "|---|---|---|---|"]
        table = "\n".join([*header, *lines])
        return _table("differences", "findings", len(findings), table)

    return [
        completed_files_are_there,
        no_failed_downloads,
        no_orphan_folders,
        no_failed_uploads,
        nothing_cleaned_early,
        nothing_differs,
    ]


def _result(name: str, rows: Sequence[AnyRow]) -> dg.AssetCheckResult:
    lines = [
        f"| {row.id} | {_cell(row.media_name)} | {_cell(row.reason or '')} |"
        for row in rows[:_SHOWN]
    ]
    table = "\n".join(["| download | file | why |", "|---|---|---|", *lines])
    return _table(name, "downloads", len(rows), table)


def _table(name: str, of: str, count: int, table: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not count,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: count, **({of: dg.MetadataValue.md(table)} if count else {})},
    )


def _cell(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text)
    return printable.replace("|", "\\|")
