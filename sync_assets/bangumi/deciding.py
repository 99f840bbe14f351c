"""What to change at Bangumi for one subject: the difference between what is wanted and what is.

Nothing here asks Bangumi or the ledger. What the user has set there by hand counts more than what
Trakt or a media server says, unless the policy says otherwise.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sync_assets.bangumi.entries import EntryDecision, is_new_start
from sync_assets.bangumi.marks import (
    MarkDecisions,
    Reports,
    draft_of,
    has_target,
    is_due,
    is_new_play,
    is_our_mark,
)
from sync_assets.bangumi.models import EpisodeState, SubjectState
from sync_assets.bangumi.report_models import (
    Draft,
    Report,
    ReportKey,
    ReportKind,
    ReportState,
    collection_key,
)
from sync_assets.bangumi.wanted import WantedMark, WantedSubject
from sync_assets.settings.bangumi import ReportingSettings

_PENDING = (ReportState.PLANNED, ReportState.UNKNOWN)


def must_be_read(
    wanted: WantedSubject | None, reports: Reports, policy: ReportingSettings, now: datetime
) -> bool:
    """Say whether Bangumi has to be asked about a subject.

    Args:
        wanted: What is wanted of it.
        reports: Its reports.
        policy: What is reported.
        now: The time.
    """
    if any(each.state is ReportState.UNKNOWN for each in reports.values()):
        return True
    if wanted is None:
        return False
    if any(
        _mark_is_open(mark, reports.get(key), policy, now) for key, mark in wanted.marks.items()
    ):
        return True
    return _entry_is_open(wanted, reports.get(collection_key(wanted.subject)), now)


def _entry_is_open(wanted: WantedSubject, entry: Report | None, now: datetime) -> bool:
    is_new = is_new_start(wanted, entry)
    if entry is None:
        return is_new or wanted.is_wish or wanted.rating is not None
    if entry.state in _PENDING or is_due(entry, now):
        return True
    if is_new and entry.state is not ReportState.FAILED:
        return True
    return wanted.rating is not None and wanted.rating != entry.target_rate


def _mark_is_open(
    mark: WantedMark, report: Report | None, policy: ReportingSettings, now: datetime
) -> bool:
    if not mark.is_watched:
        return policy.unwatch and is_our_mark(report)
    if report is None or report.state in _PENDING or is_due(report, now):
        return True
    if report.state is ReportState.DONE:
        return report.target_type == EpisodeState.NONE
    return is_new_play(mark, report)


def still_wanted(report: Report, wanted: WantedSubject | None, policy: ReportingSettings) -> bool:
    """Say whether what a report would change is wanted; asked again right before it is sent.

    Args:
        report: The report.
        wanted: What is wanted of its subject, by matches that are sure enough.
        policy: What is reported.
    """
    if wanted is None:
        return False
    if report.key.kind is ReportKind.COLLECTION:
        return True
    mark = wanted.marks.get(report.key)
    if mark is None:
        return False
    if report.target_type == EpisodeState.NONE:
        return policy.unwatch and not mark.is_watched
    return mark.is_watched


def decide(
    wanted: WantedSubject,
    reports: Reports,
    state: SubjectState,
    policy: ReportingSettings,
    now: datetime,
) -> list[Draft]:
    """Decide what becomes of the reports of a subject.

    Args:
        wanted: What is wanted of it.
        reports: Its reports.
        state: What Bangumi has.
        policy: What is reported.
        now: The time.

    Returns:
        What the reports should be; those that stay as they are left out.
    """
    marks = MarkDecisions(reports, state, policy, now)
    drafts = [draft for mark in wanted.marks.values() if (draft := marks.decide(mark)) is not None]
    own_keys = {*wanted.marks, collection_key(wanted.subject)}
    drafts += _settle_unwanted(own_keys, reports, state)
    entry = reports.get(collection_key(wanted.subject))
    if entry is not None and entry.state is ReportState.FAILED and not is_due(entry, now):
        return drafts
    return [*drafts, *EntryDecision(wanted, entry, state, policy).decide(drafts)]


def settle_unknown(reports: Reports, state: SubjectState) -> list[Draft]:
    """Decide what became of reports whose outcome nobody knows and that nobody wants any more.

    Args:
        reports: The reports of a subject.
        state: What Bangumi has.
    """
    return _settle_unwanted((), reports, state)


def _settle_unwanted(
    wanted: Collection[ReportKey], reports: Reports, state: SubjectState
) -> list[Draft]:
    drafts = []
    for key, report in reports.items():
        if report.state is ReportState.UNKNOWN and key not in wanted:
            is_there = has_target(report, state)
            outcome = ReportState.DONE if is_there else ReportState.WITHDRAWN
            drafts.append(replace(draft_of(report), state=outcome))
    return drafts
