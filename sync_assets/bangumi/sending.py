"""Send what is planned, subject by subject, as far as it is wanted still and not outdated."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.custom.items import mark_done
from sync_assets.bangumi.deciding import still_wanted
from sync_assets.bangumi.planning import read_wanted
from sync_assets.bangumi.report_models import Report, ReportState
from sync_assets.bangumi.reports import doubt_interrupted, read_reports, withdraw
from sync_assets.bangumi.subject_sending import Sent, SubjectSender
from sync_assets.bangumi.trouble import Trouble
from sync_assets.bangumi.wanted import WantedSubject
from sync_assets.progress import Progress

PLAN_LASTS = timedelta(hours=1)
"""A plan that is older is made anew before it is sent: the user may have changed something."""

_log = logging.getLogger(__name__)


def report(run: AccountRun, *, is_dry: bool) -> StageResult:
    """Send the plan of an account, or say what a dry run leaves unsent.

    Args:
        run: The account.
        is_dry: Send nothing.

    Returns:
        Counts.

    Raises:
        SyncError: Bangumi takes no requests now; what was sent is recorded, the rest is planned.
    """
    result = send_nothing(run) if is_dry else send(run)
    with run.ledger.write() as connection:
        mark_done(connection, run.account, run.run_id)
    return result


def send(run: AccountRun) -> StageResult:
    """Send the plan of an account.

    Args:
        run: The account.

    Returns:
        Counts.

    Raises:
        SyncError: Bangumi takes no requests now; what was sent is recorded, the rest is planned.
    """
    with run.ledger.write() as connection:
        doubt_interrupted(connection, run.account, run.run_id)
    sent = Sent()
    wanted = read_wanted(run.lake, run.settings, run.account)
    subjects = _sendable(run, wanted, sent)
    progress = Progress(_log, "subjects reported", total=len(subjects))
    trouble = Trouble()
    for done, reports in enumerate(subjects.values(), start=1):
        run.lease.require()
        with trouble.of_one_subject():
            SubjectSender(run, sent).send(reports)
        progress.update(done)
    with run.ledger.read() as connection:
        unknown = read_reports(connection, run.account, states=[ReportState.UNKNOWN])
    sent.unknown = len(unknown)
    return StageResult(
        {
            "marks": sent.marks,
            "entries": sent.entries,
            "unknown": sent.unknown,
            "withdrawn": sent.withdrawn,
            "outdated": sent.outdated,
            "requests": run.client.requests,
        },
        failed=sent.failed + trouble.count,
    )


def send_nothing(run: AccountRun) -> StageResult:
    """Say how much a dry run leaves unsent.

    Args:
        run: The account.

    Returns:
        Counts.
    """
    with run.ledger.read() as connection:
        planned = read_reports(connection, run.account, states=[ReportState.PLANNED])
    return StageResult({"dry_run": 1, "marks": 0, "left_planned": len(planned)})


def _sendable(
    run: AccountRun, wanted: Mapping[int, WantedSubject], sent: Sent
) -> dict[int, list[Report]]:
    """Return what may be sent, by subject, and withdraw what is not wanted any more."""
    with run.ledger.read() as connection:
        planned = read_reports(connection, run.account, states=[ReportState.PLANNED])
    policy = run.settings.reporting
    unwanted = [e for e in planned if not still_wanted(e, wanted.get(e.key.subject), policy)]
    with run.ledger.write() as connection:
        withdraw(connection, unwanted, "no sure match leads here any more", run.run_id)
    sent.withdrawn = len(unwanted)
    # Its other reports, such as 看过, were planned together with those.
    changed = {each.key.subject for each in unwanted}
    withdrawn = {each.id for each in unwanted}
    oldest = run.clock() - PLAN_LASTS
    subjects: dict[int, list[Report]] = {}
    for report in planned:
        if report.id in withdrawn:
            continue
        is_old = report.read_at is None or report.read_at < oldest
        if is_old or report.key.subject in changed:
            sent.outdated += 1
            continue
        subjects.setdefault(report.key.subject, []).append(report)
    return subjects
