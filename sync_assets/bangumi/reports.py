"""The reports of an account: each episode and each entry of its collection, and how far it is.

A report is written before Bangumi is asked to change anything, and its outcome after; what a crash
leaves `sending` is `unknown`, and is resolved by reading what Bangumi has.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from sync_assets.bangumi.report_models import Draft, Report, ReportKey, ReportKind, ReportState
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import bangumi_reports
from sync_assets.ledger.types import utc_now

REPORTS = Lifecycle(
    "bangumi_report",
    states=ReportState,
    initial={
        ReportState.PLANNED,
        ReportState.DONE,
        ReportState.FAILED,
        ReportState.WITHDRAWN,
    },
    transitions={
        ReportState.PLANNED: {
            ReportState.SENDING,
            ReportState.DONE,
            ReportState.FAILED,
            ReportState.WITHDRAWN,
        },
        ReportState.SENDING: {
            ReportState.DONE,
            ReportState.FAILED,
            ReportState.UNKNOWN,
            ReportState.PLANNED,
        },
        ReportState.UNKNOWN: {
            ReportState.DONE,
            ReportState.PLANNED,
            ReportState.FAILED,
            ReportState.WITHDRAWN,
        },
        ReportState.FAILED: {ReportState.PLANNED, ReportState.DONE, ReportState.WITHDRAWN},
        ReportState.DONE: {
            ReportState.PLANNED,
            ReportState.FAILED,
            ReportState.WITHDRAWN,
            ReportState.UNDONE,
        },
        ReportState.WITHDRAWN: {ReportState.PLANNED, ReportState.DONE, ReportState.FAILED},
        ReportState.UNDONE: {
            ReportState.PLANNED,
            ReportState.DONE,
            ReportState.FAILED,
            ReportState.WITHDRAWN,
        },
    },
)
REPORTS.bind(bangumi_reports)


def read_reports(
    connection: Connection,
    account: str,
    *,
    states: Collection[ReportState] = (),
    subject: int | None = None,
) -> list[Report]:
    """Return the reports of an account, by subject, kind and number.

    Args:
        connection: A transaction of the ledger.
        account: The account.
        states: Only those in these states; empty for all.
        subject: Only those of this subject.
    """
    table = bangumi_reports.c
    query = (
        select(bangumi_reports)
        .where(table.account == account)
        .order_by(table.subject, table.kind, table.number)
    )
    if states:
        query = query.where(table.state.in_([str(state) for state in states]))
    if subject is not None:
        query = query.where(table.subject == subject)
    return [
        Report(
            row["id"],
            ReportKey(row["subject"], ReportKind(row["kind"]), row["number"]),
            ReportState(row["state"]),
            row["title"],
            row["target_type"],
            row["target_rate"],
            row["previous_type"],
            row["previous_rate"],
            row["episode_id"],
            row["watched_at"],
            row["confidence"],
            row["reason"],
            row["not_before"],
            row["sent_by_run"],
            row["attempts"],
            row["read_at"],
        )
        for row in connection.execute(query).mappings()
    ]


def count_states(connection: Connection, account: str) -> dict[ReportState, int]:
    """Return how many reports of an account are in each state.

    Args:
        connection: A transaction of the ledger.
        account: The account.
    """
    query = (
        select(bangumi_reports.c.state, func.count())
        .where(bangumi_reports.c.account == account)
        .group_by(bangumi_reports.c.state)
    )
    return {ReportState(state): count for state, count in connection.execute(query)}


def doubt_interrupted(connection: Connection, account: str, run_id: str) -> int:
    """Turn what an earlier run left half sent into `unknown`; the caller holds the lease.

    Args:
        connection: A writing transaction of the ledger.
        account: The account.
        run_id: The run that found them.

    Returns:
        How many there were.
    """
    interrupted = read_reports(connection, account, states=[ReportState.SENDING])
    doubt(connection, interrupted, run_id)
    return len(interrupted)


def save_drafts(
    connection: Connection,
    account: str,
    drafts: Iterable[tuple[Draft, Report | None]],
    run_id: str,
) -> None:
    """Store what the reports should be.

    Args:
        connection: A writing transaction of the ledger.
        account: The account.
        drafts: Each draft with the report that is there already.
        run_id: The run that made them.
    """
    new = []
    for draft, report in drafts:
        values = _values(draft)
        if report is None:
            identity = draft.key._asdict()
            new.append({"account": account, "state": draft.state, **identity, **values})
            continue
        if (report.state, draft.state) == (ReportState.UNKNOWN, ReportState.DONE):
            # It was the interrupted run that did it, and an undo of that run must know.
            finish(connection, [report], report.sent_by_run or run_id)
            continue
        if draft.state is ReportState.PLANNED:
            values["sent_by_run"] = None
        if draft.state is ReportState.FAILED:
            values["attempts"] = report.attempts + 1
        if draft.state is report.state:
            connection.execute(
                update(bangumi_reports).where(bangumi_reports.c.id == report.id).values(**values)
            )
        else:
            detail = {"reason": draft.reason} if draft.reason else {}
            REPORTS.transition(
                connection, report.id, draft.state, run_id=run_id, detail=detail, **values
            )
    REPORTS.create(connection, new, run_id=run_id)


def begin_sending(connection: Connection, reports: Sequence[Report], run_id: str) -> None:
    """Note that reports are about to be sent.

    Args:
        connection: A writing transaction of the ledger.
        reports: They are planned.
        run_id: The run that sends them.
    """
    REPORTS.transition_all(
        connection,
        [each.id for each in reports],
        ReportState.SENDING,
        run_id=run_id,
        sent_by_run=run_id,
    )


def finish(connection: Connection, reports: Iterable[Report], run_id: str) -> None:
    """Note that Bangumi has what the reports say; the events are the undo log of the run.

    Args:
        connection: A writing transaction of the ledger.
        reports: They were sent.
        run_id: The run that sent them.
    """
    for each in reports:
        detail = {
            "subject": each.key.subject,
            "kind": each.key.kind,
            "episode_id": each.episode_id,
            "title": each.title,
            "from": [each.previous_type, each.previous_rate],
            "to": [each.target_type, each.target_rate],
        }
        REPORTS.transition(
            connection,
            each.id,
            ReportState.DONE,
            run_id=run_id,
            detail=detail,
            attempts=0,
            reason=None,
            not_before=None,
        )


def put_back(connection: Connection, reports: Iterable[Report], run_id: str) -> None:
    """Note that reports were not sent after all: they are planned as before.

    Args:
        connection: A writing transaction of the ledger.
        reports: The reports.
        run_id: The run that says so.
    """
    ids = [each.id for each in reports]
    REPORTS.transition_all(connection, ids, ReportState.PLANNED, run_id=run_id, sent_by_run=None)


def doubt(connection: Connection, reports: Iterable[Report], run_id: str) -> None:
    """Note that nobody knows whether Bangumi has what reports say.

    Args:
        connection: A writing transaction of the ledger.
        reports: They were sent.
        run_id: The run that says so.
    """
    ids = [each.id for each in reports]
    REPORTS.transition_all(connection, ids, ReportState.UNKNOWN, run_id=run_id)


def withdraw(connection: Connection, reports: Iterable[Report], reason: str, run_id: str) -> None:
    """Note that reports are not wanted.

    Args:
        connection: A writing transaction of the ledger.
        reports: The reports.
        reason: Why.
        run_id: The run that says so.
    """
    REPORTS.transition_all(
        connection,
        [each.id for each in reports],
        ReportState.WITHDRAWN,
        run_id=run_id,
        reason=reason,
        # So that it is planned again, however old the play, when it is wanted again.
        watched_at=None,
    )


def fail(
    connection: Connection,
    reports: Iterable[Report],
    reason: str,
    not_before: datetime,
    run_id: str,
) -> None:
    """Note that Bangumi refused reports.

    Args:
        connection: A writing transaction of the ledger.
        reports: The reports.
        reason: What Bangumi said.
        not_before: When they are tried again.
        run_id: The run that sent them.
    """
    for each in reports:
        REPORTS.transition(
            connection,
            each.id,
            ReportState.FAILED,
            run_id=run_id,
            detail={"reason": reason},
            reason=reason,
            not_before=not_before,
            attempts=each.attempts + 1,
        )


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "title": draft.title,
        "target_type": draft.target_type,
        "target_rate": draft.target_rate,
        "previous_type": draft.previous_type,
        "previous_rate": draft.previous_rate,
        "episode_id": draft.episode_id,
        "watched_at": draft.watched_at,
        "confidence": draft.confidence,
        "reason": draft.reason,
        "not_before": draft.not_before,
        "read_at": utc_now(),
    }
