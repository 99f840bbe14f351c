"""What becomes of the mark of an episode, given what the user and earlier runs have done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sync_assets.bangumi.entries import entry_has, held_reason
from sync_assets.bangumi.episodes import find_episode
from sync_assets.bangumi.models import Episode, EpisodeState, SubjectState
from sync_assets.bangumi.report_models import Draft, Report, ReportKey, ReportKind, ReportState
from sync_assets.bangumi.wanted import WantedMark
from sync_assets.settings.bangumi import HandPolicy, ReportingSettings

Reports = Mapping[ReportKey, Report]

_FIRST_RETRY = timedelta(hours=1)
_LONGEST_RETRY = timedelta(days=7)


def retry_at(now: datetime, attempts: int) -> datetime:
    """Return when a report that failed is tried again.

    Args:
        now: The time.
        attempts: How often it has failed in a row.
    """
    return now + min(_FIRST_RETRY * 2 ** min(attempts - 1, 10), _LONGEST_RETRY)


def is_due(report: Report, now: datetime) -> bool:
    """Say whether a failed report is to be tried again."""
    return report.state is ReportState.FAILED and (
        report.not_before is None or report.not_before <= now
    )


def is_our_mark(report: Report | None) -> bool:
    """Say whether a mark was set from here, and is there as far as is known."""
    return (
        report is not None
        and report.sent_by_run is not None
        and report.target_type == EpisodeState.WATCHED
        and report.state is ReportState.DONE
    )


def is_new_play(mark: WantedMark, report: Report) -> bool:
    """Say whether it was watched again since the report was withdrawn or undone."""
    if report.state not in (ReportState.WITHDRAWN, ReportState.UNDONE):
        return False
    return mark.watched_at is not None and (
        report.watched_at is None or mark.watched_at > report.watched_at
    )


def has_target(report: Report, state: SubjectState) -> bool:
    """Say whether Bangumi has what a report says.

    Args:
        report: The report.
        state: What Bangumi has.
    """
    if report.key.kind is not ReportKind.COLLECTION:
        episode = state.episodes.get(report.episode_id or 0)
        return episode is not None and episode.state == report.target_type
    return entry_has(report, state.collected)


def draft_of(report: Report) -> Draft:
    """Return a stored report as a draft, to change a part of it."""
    return Draft(
        report.key,
        report.state,
        report.title,
        report.target_type,
        report.target_rate,
        report.previous_type,
        report.previous_rate,
        report.episode_id,
        report.watched_at,
        report.confidence,
    )


class MarkDecisions:
    """Decides about the episodes of one subject.

    Args:
        reports: The subject's reports.
        state: What Bangumi has.
        policy: What is reported.
        now: The time.
    """

    def __init__(
        self, reports: Reports, state: SubjectState, policy: ReportingSettings, now: datetime
    ) -> None:
        self._reports = reports
        self._state = state
        self._policy = policy
        self._now = now
        self._held = held_reason(state.collected, policy)

    def decide(self, mark: WantedMark) -> Draft | None:
        """Return what the report of an episode should be; None where it stays as it is."""
        report = self._reports.get(mark.key)
        if not mark.is_watched:
            return self._unwatch(mark, report)
        if report is not None and self._is_settled(mark, report):
            return None
        episode = find_episode(mark, self._state)
        draft = Draft(
            mark.key,
            ReportState.PLANNED,
            mark.title,
            target_type=EpisodeState.WATCHED,
            watched_at=mark.watched_at,
            confidence=mark.confidence,
        )
        if episode is None:
            return self._without_episode(draft, mark, report)
        return self._with_episode(
            replace(draft, episode_id=episode.episode_id, previous_type=episode.state), episode
        )

    def _is_settled(self, mark: WantedMark, report: Report) -> bool:
        if report.state is ReportState.DONE:
            # Where Bangumi has it no more, the user has taken the mark away.
            return report.target_type == EpisodeState.WATCHED
        if report.state is ReportState.FAILED:
            return not is_due(report, self._now)
        return report.state is ReportState.UNDONE and not is_new_play(mark, report)

    def _without_episode(self, draft: Draft, mark: WantedMark, report: Report | None) -> Draft:
        if mark.is_film and not self._state.main_episodes:
            reason = "the film has no episode at Bangumi; its entry in the collection says it"
            return replace(draft, state=ReportState.DONE, reason=reason)
        attempts = (report.attempts if report else 0) + 1
        return replace(
            draft,
            state=ReportState.FAILED,
            reason=f"Bangumi has no {mark.key.kind} episode {mark.key.number} in this subject",
            not_before=retry_at(self._now, attempts + 4),
        )

    def _with_episode(self, draft: Draft, episode: Episode) -> Draft:
        if episode.state == EpisodeState.WATCHED:
            return replace(draft, state=ReportState.DONE)
        dropped = episode.state == EpisodeState.DROPPED
        if dropped and self._policy.dropped is HandPolicy.RESPECT:
            reason = f"the episode is {episode.state.label} at Bangumi"
            return replace(draft, state=ReportState.WITHDRAWN, reason=reason)
        if self._held is not None:
            return replace(draft, state=ReportState.WITHDRAWN, reason=self._held)
        return draft

    def _unwatch(self, mark: WantedMark, report: Report | None) -> Draft | None:
        if report is None:
            return None
        if report.state is ReportState.UNKNOWN:
            done = has_target(report, self._state)
            state = ReportState.DONE if done else ReportState.WITHDRAWN
            return replace(draft_of(report), state=state, watched_at=None)
        is_planned = report.state is ReportState.PLANNED
        if self._held is not None or not (is_planned or is_our_mark(report)):
            return None
        episode = self._state.episodes.get(report.episode_id or 0)
        if not self._policy.unwatch or episode is None or episode.state != EpisodeState.WATCHED:
            return None
        return replace(
            draft_of(report),
            state=ReportState.PLANNED,
            target_type=EpisodeState.NONE,
            previous_type=episode.state,
            watched_at=mark.watched_at,
        )
