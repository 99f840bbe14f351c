"""The last result of every domain and partition: what `/health` and `health.json` report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import results
from sync_assets.ledger.types import utc_now


class ResultStatus(StrEnum):
    """How a domain's last work ended."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True)
class Result:
    """How a domain's last work on a partition ended.

    Attributes:
        domain: Such as `strm`.
        partition: Such as a job's or an account's name; empty where there is none.
        status: Whether all, some or none of it worked.
        added: Items that are new or changed.
        skipped: Items left as they were.
        failed: Items that did not work.
        run_id: The Dagster run.
        finished_at: When it ended, UTC.
        detail: Further facts, JSON-serialisable, never secret.
    """

    domain: str
    partition: str
    status: ResultStatus
    added: int = 0
    skipped: int = 0
    failed: int = 0
    run_id: str | None = None
    finished_at: datetime = field(default_factory=utc_now)
    detail: Mapping[str, Any] = field(default_factory=dict)


def record_result(connection: Connection, result: Result) -> None:
    """Remember a result as the last one of its domain and partition, and in the history.

    Args:
        connection: A writing transaction of the ledger.
        result: What to remember.
    """
    identity = (results.c.domain == result.domain, results.c.partition == result.partition)
    previous = connection.execute(select(results.c.status).where(*identity)).scalar()
    connection.execute(delete(results).where(*identity))
    counts = {"added": result.added, "skipped": result.skipped, "failed": result.failed}
    connection.execute(
        insert(results).values(
            domain=result.domain,
            partition=result.partition,
            status=result.status,
            finished_at=result.finished_at,
            run_id=result.run_id,
            detail=dict(result.detail),
            **counts,
        )
    )
    append_events(
        connection,
        [
            Event(
                "result",
                f"{result.domain}/{result.partition}".rstrip("/"),
                previous_state=previous,
                state=result.status,
                run_id=result.run_id,
                detail={**counts, **result.detail},
            )
        ],
    )


def read_results(connection: Connection) -> list[Result]:
    """Return the last result of every domain and partition, in their order.

    Args:
        connection: A transaction of the ledger.
    """
    query = select(results).order_by(results.c.domain, results.c.partition)
    results_found = []
    for row in connection.execute(query).mappings():
        values: dict[str, Any] = dict(row)
        values["status"] = ResultStatus(values["status"])
        results_found.append(Result(**values))
    return results_found
