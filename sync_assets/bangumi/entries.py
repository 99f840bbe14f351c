"""What becomes of a subject's entry in the collection: its type, and its rating."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync_assets.bangumi.models import Collected, CollectionType, EpisodeState, SubjectState
from sync_assets.bangumi.report_models import Draft, Report, ReportKind, ReportState, collection_key
from sync_assets.bangumi.wanted import WantedSubject
from sync_assets.settings.bangumi import HandPolicy, ReportingSettings, UnplayedRatingPolicy

_SETTLED = (ReportState.DONE, ReportState.UNDONE, ReportState.WITHDRAWN)


def entry_has(report: Report, collected: Collected | None) -> bool:
    """Say whether the collection has what a report says.

    Args:
        report: The report of an entry.
        collected: The entry; None where there is none.
    """
    return (
        collected is not None
        and collected.type == report.target_type
        and report.target_rate in (None, collected.rate)
    )


def held_reason(collected: Collected | None, policy: ReportingSettings) -> str | None:
    """Return why a subject is left alone, where the user has put it aside.

    Args:
        collected: Its entry in the collection.
        policy: What is reported.
    """
    if collected is None:
        return None
    kept = {
        CollectionType.ON_HOLD: policy.on_hold,
        CollectionType.DROPPED: policy.dropped,
    }
    if kept.get(collected.type) is HandPolicy.RESPECT:
        return f"the subject is {collected.type.label} at Bangumi"
    return None


def is_new_start(wanted: WantedSubject, report: Report | None) -> bool:
    """Say whether a media server has begun to play the subject since its entry was looked at.

    Args:
        wanted: What is wanted of the subject.
        report: The report of its entry.
    """
    if wanted.started_at is None:
        return False
    if report is None or report.state not in _SETTLED or report.watched_at is None:
        return True
    return wanted.started_at > report.watched_at


class EntryDecision:
    """Decides about the entry in the collection of one subject.

    Args:
        wanted: What is wanted of it.
        report: The report of its entry.
        state: What Bangumi has.
        policy: What is reported.
    """

    def __init__(
        self,
        wanted: WantedSubject,
        report: Report | None,
        state: SubjectState,
        policy: ReportingSettings,
    ) -> None:
        self._wanted = wanted
        self._report = report
        self._state = state
        self._policy = policy

    def decide(self, drafts: Iterable[Draft]) -> list[Draft]:
        """Return what the report should be, given what is decided about the episodes."""
        marks = [each for each in drafts if each.key.kind is not ReportKind.COLLECTION]
        current, known = self._state.collected, self._report
        target, rate = self._target_type(marks), self._target_rate()
        draft = Draft(
            collection_key(self._wanted.subject),
            ReportState.PLANNED,
            self._wanted.title,
            target_type=target,
            target_rate=rate,
            previous_type=current.type if current else None,
            previous_rate=current.rate if current else None,
            watched_at=self._wanted.started_at or (known.watched_at if known else None),
        )
        if target is None:
            return self._without_entry(draft)
        if current is None or target != current.type or rate not in (None, current.rate):
            return [draft]
        # Remembered, so that the same rating is not looked at again.
        return [replace(draft, state=ReportState.DONE, target_rate=self._wanted.rating)]

    def _without_entry(self, draft: Draft) -> list[Draft]:
        is_open = self._report is not None and self._report.state is not ReportState.WITHDRAWN
        if not is_open and self._wanted.rating is None:
            return []
        return [
            replace(
                draft,
                state=ReportState.WITHDRAWN,
                target_rate=self._wanted.rating,
                reason="nothing is marked in it",
            )
        ]

    def _target_type(self, drafts: Sequence[Draft]) -> CollectionType | None:
        """Return what the entry should be; None where there is none and none is wanted."""
        current = self._state.collected.type if self._state.collected else None
        if held_reason(self._state.collected, self._policy) is not None:
            return current
        planned = [each for each in drafts if each.state is ReportState.PLANNED]
        unmarks = {e.episode_id for e in planned if e.target_type == EpisodeState.NONE}
        marks = {e.episode_id for e in planned} - unmarks
        is_whole = self._is_whole(marks, unmarks)
        is_news = any(e.state in (ReportState.PLANNED, ReportState.DONE) for e in drafts)
        if not is_news and self._is_settled:
            return self._type_by_start(current)
        if is_whole and self._policy.complete_subjects:
            return CollectionType.COLLECTED
        is_completed = current is CollectionType.COLLECTED
        if (marks and not is_completed) or (unmarks and not is_whole and is_completed):
            return CollectionType.WATCHING
        return self._type_by_start(self._type_without_marks() if current is None else current)

    def _type_without_marks(self) -> CollectionType | None:
        """Return what to make of a subject of which nothing was watched; None to leave it alone."""
        is_begun = bool(self._wanted.marks) or self._wanted.started_at is not None
        is_rated_only = self._wanted.rating is not None and not is_begun
        if is_rated_only and self._policy.unplayed_ratings is UnplayedRatingPolicy.COLLECTED:
            return CollectionType.COLLECTED
        return CollectionType.WISH if self._wanted.is_wish else None

    def _type_by_start(self, current: CollectionType | None) -> CollectionType | None:
        """Return what the entry should be where playing may have begun; 看过 is never lowered.

        What was put aside comes here only where the policy is to resume it.
        """
        is_seen = current is CollectionType.COLLECTED
        if is_new_start(self._wanted, self._report) and not is_seen:
            return CollectionType.WATCHING
        return current

    @property
    def _is_settled(self) -> bool:
        """Whether the entry was reported before: what it is now, the user wants it to be."""
        settled = (ReportState.DONE, ReportState.UNDONE)
        return self._report is not None and self._report.state in settled

    def _is_whole(self, marks: set[int | None], unmarks: set[int | None]) -> bool:
        """Say whether all main episodes will have been seen."""
        main = self._state.main_episodes
        if not main:
            return any(e.is_film and e.is_watched for e in self._wanted.marks.values())
        counted = self._state.collected.episodes if self._state.collected else None
        if len(main) < max(counted or 0, self._wanted.episode_count or 0):
            return False  # Bangumi does not list all of them yet
        seen = {e.episode_id for e in main if e.state == EpisodeState.WATCHED}
        any_ours = any(mark.is_watched for mark in self._wanted.marks.values())
        return any_ours and {e.episode_id for e in main} <= (seen | marks) - unmarks

    def _target_rate(self) -> int | None:
        """Return the rating to give; None where what is there stays."""
        rating, current = self._wanted.rating, self._state.collected
        if rating is None:
            return None
        if current is None or current.rate == 0:
            sent = self._report is not None and self._report.state is ReportState.DONE
            taken_away = sent and self._report is not None and self._report.target_rate == rating
            return None if taken_away else rating
        if current.rate == rating:
            return None
        is_ours = self._report is not None and self._report.target_rate == current.rate
        return rating if is_ours or self._policy.overwrite_ratings else None
