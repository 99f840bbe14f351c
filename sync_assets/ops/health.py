"""How everything is, from the ledger and the configuration: for `/health` and `health.json`.

The report is for anybody who may ask the server: it names domains and partitions, and no path, no
address and no item.
"""

import os
import tempfile
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field

from sync_assets import __version__
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger.results import Result, ResultStatus, read_results, record_result
from sync_assets.ledger.revision import HEAD_REVISION
from sync_assets.ledger.types import utc_now
from sync_assets.settings import Settings

FILE_NAME = "health.json"
_LOCK_SECONDS = 30.0


class HealthFileError(SyncError):
    """The result is in the ledger, but `health.json` could not be written."""


class HealthStatus(StrEnum):
    """How the whole is: `failed` where the ledger cannot be used."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class DomainStatus(StrEnum):
    """How a domain is.

    `off` without configuration, `waiting` before its first result, `unknown` without a ledger.
    """

    OFF = "off"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class LedgerHealth(BaseModel):
    """Whether the ledger can be used."""

    status: HealthStatus
    backend: str = Field(description="sqlite or postgresql")
    schema_revision: str | None = None
    problem: str | None = None
    remedy: str | None = None


class PartitionHealth(BaseModel):
    """The last result of one partition of a domain."""

    partition: str = Field(description="Empty where the domain has no partitions.")
    configured: bool = Field(description="One that is no longer configured counts no more.")
    status: ResultStatus
    timestamp: datetime
    run_id: str | None
    added: int
    skipped: int
    failed: int
    metrics: dict[str, int | float | str] = Field(
        default_factory=dict, description="Further numbers that the domain chose to publish."
    )
    remedy: str | None = Field(
        default=None, description="What only the user can do, such as connecting an account again."
    )


class DomainHealth(BaseModel):
    """How a domain is, and its last results."""

    status: DomainStatus
    partitions: list[PartitionHealth]


class HealthReport(BaseModel):
    """How everything is."""

    status: HealthStatus
    timestamp: datetime
    version: str
    ledger: LedgerHealth
    domains: dict[str, DomainHealth]


def health_report(ledger: Ledger, settings: Settings) -> HealthReport:
    """Find out how everything is.

    Args:
        ledger: The ledger.
        settings: The configuration, which says what is on.

    Returns:
        The report; also where the ledger cannot be used.
    """
    try:
        revision = ledger.revision()
        if revision != HEAD_REVISION:
            return _report(settings, (), _wrong_schema(ledger, revision))
        with ledger.read() as connection:
            results = read_results(connection)
    except LedgerUnavailableError as error:
        return failed_report(ledger, settings, error)
    state = LedgerHealth(
        status=HealthStatus.OK,
        backend=ledger.url.get_backend_name(),
        schema_revision=revision,
    )
    return _report(settings, results, state)


def failed_report(
    ledger: Ledger, settings: Settings, error: LedgerUnavailableError
) -> HealthReport:
    """Make the report where the ledger cannot be used.

    Args:
        ledger: The ledger.
        settings: The configuration.
        error: Why it cannot be used; its message names paths and stays out of the report.

    Returns:
        The report.
    """
    state = LedgerHealth(
        status=HealthStatus.FAILED,
        backend=ledger.url.get_backend_name(),
        problem="The ledger cannot be read; the server's log says why.",
        remedy=error.remedy,
    )
    return _report(settings, (), state)


def write_health_file(report: HealthReport, home: Path) -> None:
    """Replace `health.json` in one step; a reader sees the old or the new one.

    Args:
        report: What to write.
        home: The home directory.

    Raises:
        HealthFileError: It cannot be written.
    """
    path = home / FILE_NAME
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=home)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(report.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            # Monitoring often runs as another user; the report holds nothing private.
            temporary.chmod(0o644)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HealthFileError(
            f"{path} cannot be written: {error.strerror}. The result itself is in the ledger.",
            remedy="Free space on its disk, and make the directory writable for this user.",
        ) from error


def report_result(ledger: Ledger, settings: Settings, result: Result) -> None:
    """Record a result and bring `health.json` up to date; every run ends with this.

    Args:
        ledger: The ledger.
        settings: The configuration.
        result: How the run's work on a partition ended.

    Raises:
        LedgerUnavailableError: The result could not be recorded.
        HealthFileError: It is recorded, but the file could not be written.
    """
    with ledger.write() as connection:
        record_result(connection, result)
    lock = FileLock(settings.home / f".{FILE_NAME}.lock", timeout=_LOCK_SECONDS)
    try:
        # Read and write as one: else a slower process would put back what it read before.
        with lock:
            write_health_file(health_report(ledger, settings), settings.home)
    except (Timeout, OSError) as error:
        raise HealthFileError(
            f"The lock {lock.lock_file} cannot be had: {error}. The result is in the ledger.",
            remedy="Make the home directory writable for this user, and see who holds the lock.",
        ) from error


def configured_partitions(settings: Settings) -> dict[str, frozenset[str]]:
    """Return every domain with the partitions that are configured; none means that it is off."""
    return {
        "pixiv": frozenset(settings.pixiv.accounts),
        # Results about the domain as a whole: days and users' items are no configuration.
        "relay": frozenset({""} if settings.relay.enabled else ()),
        "strm": frozenset(settings.strm.jobs),
        "catalog": frozenset({"anime"} if settings.catalog.enabled else ()),
        "bangumi": frozenset(
            name for name, account in settings.bangumi.accounts.items() if not account.paused
        ),
        "telegram": frozenset(settings.pixiv.accounts if settings.telegram.is_configured else ()),
        "trakt": frozenset(settings.trakt.active_accounts),
        "watchlist": frozenset({""} if settings.watchlist.enabled else ()),
    }


def _wrong_schema(ledger: Ledger, revision: str | None) -> LedgerHealth:
    return LedgerHealth(
        status=HealthStatus.FAILED,
        backend=ledger.url.get_backend_name(),
        schema_revision=revision,
        problem=f"The ledger's schema is {revision or 'missing'}; this version needs "
        f"{HEAD_REVISION}.",
        remedy="Restart the server, which updates an older schema; for a newer one update "
        "sync_assets.",
    )


def _report(settings: Settings, results: Sequence[Result], ledger: LedgerHealth) -> HealthReport:
    configured = configured_partitions(settings)
    names = sorted({*configured, *(result.domain for result in results)})
    domains = {
        name: _domain(
            configured.get(name, frozenset()),
            [result for result in results if result.domain == name],
            without_result=DomainStatus.UNKNOWN
            if ledger.status is HealthStatus.FAILED
            else DomainStatus.WAITING,
        )
        for name in names
    }
    troubles = {DomainStatus.DEGRADED, DomainStatus.FAILED}
    status = ledger.status
    if status is HealthStatus.OK and any(domain.status in troubles for domain in domains.values()):
        status = HealthStatus.DEGRADED
    return HealthReport(
        status=status,
        timestamp=utc_now(),
        version=__version__,
        ledger=ledger,
        domains=domains,
    )


def _domain(
    configured: frozenset[str], results: Sequence[Result], *, without_result: DomainStatus
) -> DomainHealth:
    partitions = [
        PartitionHealth(
            partition=result.partition,
            # A result without a partition is about the domain as a whole.
            configured=bool(configured)
            and (not result.partition or result.partition in configured),
            status=result.status,
            timestamp=result.finished_at,
            run_id=result.run_id,
            added=result.added,
            skipped=result.skipped,
            failed=result.failed,
            metrics=dict(result.detail.get("metrics", {})),
            remedy=result.detail.get("remedy"),
        )
        for result in results
    ]
    counted = {partition.status for partition in partitions if partition.configured}
    if not configured:
        status = DomainStatus.OFF
    elif not counted:
        status = without_result
    else:
        worst = (ResultStatus.FAILED, ResultStatus.DEGRADED, ResultStatus.OK)
        status = DomainStatus(next(candidate for candidate in worst if candidate in counted))
    return DomainHealth(status=status, partitions=partitions)
