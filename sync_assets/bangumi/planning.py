"""Plan: compare what Trakt says with what Bangumi has, subject by subject.

Only subjects about which anything is open are asked for, one request each; the entries of the
collection come in pages, or one by one where there are few. Nothing is changed at Bangumi.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.deciding import (
    decide,
    must_be_read,
    settle_unknown,
    still_wanted,
)
from sync_assets.bangumi.marks import Reports, is_due
from sync_assets.bangumi.match_table import read_matches
from sync_assets.bangumi.models import Collected, SubjectState
from sync_assets.bangumi.plan_table import plan_rows, plan_summary, write_plan
from sync_assets.bangumi.report_models import Report, ReportKey, ReportKind, ReportState
from sync_assets.bangumi.reports import doubt_interrupted, read_reports, save_drafts, withdraw
from sync_assets.bangumi.trakt_tables import read_ratings
from sync_assets.bangumi.trouble import Trouble
from sync_assets.bangumi.wanted import WantedSubject, wanted_subjects
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.progress import Progress
from sync_assets.settings.bangumi import BangumiSettings, ReportingSettings

_READERS = 4
_PAGES_WORTH = 10
"""With more subjects than this the collection is read in pages."""
_log = logging.getLogger(__name__)


def plan(run: AccountRun) -> StageResult:
    """Bring the reports of an account up to date with Trakt and Bangumi.

    Args:
        run: The account.

    Returns:
        Counts, and the plan as a table.

    Raises:
        SyncError: Bangumi could not be read; what was read is kept.
    """
    wanted = read_wanted(run.lake, run.settings, run.account)
    with run.ledger.write() as connection:
        interrupted = doubt_interrupted(connection, run.account, run.run_id)
    reports = _reports_by_subject(run.ledger, run.account)
    unwanted = _withdraw_unwanted(run, wanted, reports)
    reports = _reports_by_subject(run.ledger, run.account)
    now = run.clock()
    to_read = _open_subjects(wanted, reports, run.settings.reporting, now)
    unanswered = _read_subjects(run, to_read, wanted, reports)
    with run.ledger.read() as connection:
        planned = read_reports(connection, run.account, states=[ReportState.PLANNED])
        failed = read_reports(connection, run.account, states=[ReportState.FAILED])
    rows = plan_rows(planned, wanted)
    path = write_plan(run.lake, run.plan_directory, run.account, rows)
    return StageResult(
        {
            "planned_marks": sum(each.key.kind is not ReportKind.COLLECTION for each in planned),
            "planned_entries": sum(each.key.kind is ReportKind.COLLECTION for each in planned),
            "subjects_read": len(to_read),
            "resolved_unknown": interrupted,
            "withdrawn": unwanted,
            "waiting_for_retry": sum(not is_due(each, now) for each in failed),
            "requests": run.client.requests,
        },
        failed=len(failed) + unanswered,
        notes={"plan": plan_summary(rows), "csv": str(path)},
    )


def read_wanted(lake: Lake, settings: BangumiSettings, account: str) -> dict[int, WantedSubject]:
    """Return what Bangumi should have, by the stored matches as they are now.

    Args:
        lake: The lake.
        settings: The domain's settings.
        account: The account.
    """
    return wanted_subjects(
        read_matches(lake, account),
        read_ratings(lake, account),
        settings.reporting,
        settings.matching.minimum_confidence,
    )


def open_subjects(lake: Lake, ledger: Ledger, settings: BangumiSettings, account: str) -> list[int]:
    """Return the subjects about which Bangumi would have to be asked now.

    Args:
        lake: The lake.
        ledger: The ledger.
        settings: The domain's settings.
        account: The account.
    """
    wanted = read_wanted(lake, settings, account)
    reports = _reports_by_subject(ledger, account)
    return _open_subjects(wanted, reports, settings.reporting, utc_now())


def _open_subjects(
    wanted: Mapping[int, WantedSubject],
    reports: Mapping[int, Reports],
    policy: ReportingSettings,
    now: datetime,
) -> list[int]:
    return sorted(
        subject
        for subject in wanted.keys() | reports.keys()
        if must_be_read(wanted.get(subject), reports.get(subject, {}), policy, now)
    )


def _reports_by_subject(ledger: Ledger, account: str) -> dict[int, dict[ReportKey, Report]]:
    with ledger.read() as connection:
        reports = read_reports(connection, account)
    found: dict[int, dict[ReportKey, Report]] = {}
    for report in reports:
        found.setdefault(report.key.subject, {})[report.key] = report
    return found


def _withdraw_unwanted(
    run: AccountRun,
    wanted: Mapping[int, WantedSubject],
    reports: Mapping[int, Mapping[ReportKey, Report]],
) -> int:
    """Withdraw what was planned and is wanted no more: another match, a removed play."""
    unwanted = []
    for subject, held in reports.items():
        for report in held.values():
            if report.state not in (ReportState.PLANNED, ReportState.FAILED):
                continue
            if not still_wanted(report, wanted.get(subject), run.settings.reporting):
                unwanted.append(report)
    with run.ledger.write() as connection:
        withdraw(connection, unwanted, "no sure match leads here any more", run.run_id)
    return len(unwanted)


def _read_subjects(
    run: AccountRun,
    subjects: Sequence[int],
    wanted: Mapping[int, WantedSubject],
    reports: Mapping[int, Reports],
) -> int:
    """Read subjects and store what follows; return about how many Bangumi did not answer."""
    if not subjects:
        return 0
    trouble = Trouble()
    collected = _collections(run, subjects)

    def read(subject: int) -> SubjectState:
        return SubjectState(collected.get(subject), run.client.episodes(subject))

    progress = Progress(_log, "subjects read", total=len(subjects))
    with ThreadPoolExecutor(_READERS, thread_name_prefix="bangumi") as readers:
        states = [(subject, readers.submit(read, subject)) for subject in subjects]
        try:
            for done, (subject, future) in enumerate(states, start=1):
                with trouble.of_one_subject():
                    state = future.result()
                    _save(run, state, wanted.get(subject), reports.get(subject, {}))
                progress.update(done)
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            raise
    return trouble.count


def _collections(run: AccountRun, subjects: Iterable[int]) -> Mapping[int, Collected]:
    subjects = list(subjects)
    if len(subjects) > _PAGES_WORTH:
        return run.client.collections()
    found = {subject: run.client.collection(subject) for subject in subjects}
    return {subject: each for subject, each in found.items() if each is not None}


def _save(
    run: AccountRun,
    state: SubjectState,
    wanted: WantedSubject | None,
    reports: Reports,
) -> None:
    if wanted is None:
        drafts = settle_unknown(reports, state)
    else:
        drafts = decide(wanted, reports, state, run.settings.reporting, run.clock())
    with run.ledger.write() as connection:
        pairs = [(draft, reports.get(draft.key)) for draft in drafts]
        save_drafts(connection, run.account, pairs, run.run_id)
