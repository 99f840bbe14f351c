"""What Bangumi should have, by what Trakt and media servers say, and where the matching puts it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sync_assets.bangumi.match_table import StoredMatch
from sync_assets.bangumi.report_models import ReportKey, ReportKind
from sync_assets.bangumi.trakt_tables import Rating
from sync_assets.settings.bangumi import CollectionPolicy, RatingPolicy, ReportingSettings


@dataclass(frozen=True, slots=True)
class WantedMark:
    """An episode that was watched.

    Attributes:
        key: Which report it is.
        title: What it is, for people.
        is_watched: Whether a play of it is left; without one its mark may be taken away.
        watched_at: The last play.
        confidence: How sure its place is.
        method: How the place was found.
        air_date: The day of its broadcast.
        absolute_number: Its number from the beginning of the show.
        is_film: Whether it is a film.
    """

    key: ReportKey
    title: str
    is_watched: bool
    watched_at: datetime | None
    confidence: float
    method: str | None = None
    air_date: date | None = None
    absolute_number: int | None = None
    is_film: bool = False


@dataclass(frozen=True, slots=True)
class WantedSubject:
    """What is wanted of a subject.

    Attributes:
        subject: The subject.
        title: What it is, for people.
        marks: The episodes.
        rating: The rating that Trakt has for it.
        is_wish: Whether it is in Trakt's collection, and wanted as 想看.
        started_at: When a media server last began to play it, where that makes it 在看.
        episode_count: How many main episodes the catalogue counts, if it knows.
    """

    subject: int
    title: str
    marks: Mapping[ReportKey, WantedMark] = field(default_factory=dict)
    rating: int | None = None
    is_wish: bool = False
    started_at: datetime | None = None
    episode_count: int | None = None


def wanted_subjects(
    matches: Iterable[StoredMatch],
    ratings: Iterable[Rating],
    policy: ReportingSettings,
    minimum_confidence: float,
) -> dict[int, WantedSubject]:
    """Work out what Bangumi should have.

    Args:
        matches: What the matching found; what is less sure than the minimum is left out.
        ratings: Trakt's ratings.
        policy: What is reported.
        minimum_confidence: The least confidence of a place.

    Returns:
        What is wanted, by subject.
    """
    sure = [each for each in matches if each.may_be_reported(minimum_confidence)]
    rating_of = _subject_ratings(sure, ratings, policy.ratings)
    by_subject: dict[int, list[StoredMatch]] = {}
    for match in sure:
        if match.subject is not None:
            by_subject.setdefault(match.subject, []).append(match)
    wanted = {}
    for subject, found in by_subject.items():
        watched = [each for each in found if each.was_watched]
        is_collected = any(each.is_collected_only for each in found)
        is_wish = policy.collection is CollectionPolicy.WISH and is_collected
        started_at = _started_at(found) if policy.watching_on_start else None
        if watched or is_wish or started_at is not None or subject in rating_of:
            wanted[subject] = WantedSubject(
                subject,
                found[0].title,
                _marks(subject, watched),
                rating_of.get(subject),
                is_wish,
                started_at,
                max((each.subject_episodes or 0 for each in found), default=0) or None,
            )
    return wanted


def _started_at(matches: Iterable[StoredMatch]) -> datetime | None:
    starts = [each.started_at for each in matches if each.started_at is not None]
    return max(starts, default=None)


def _marks(subject: int, matches: Sequence[StoredMatch]) -> dict[ReportKey, WantedMark]:
    marks: dict[ReportKey, WantedMark] = {}
    for match in matches:
        kind = ReportKind.SPECIAL if match.is_special else ReportKind.MAIN
        key = ReportKey(subject, kind, match.episode or 0)
        mark = WantedMark(
            key,
            match.title,
            match.plays > 0,
            match.watched_at,
            match.confidence,
            match.method,
            match.release_date,
            match.absolute_number,
            match.is_film,
        )
        marks[key] = _joined(marks[key], mark) if key in marks else mark
    return marks


def _joined(first: WantedMark, second: WantedMark) -> WantedMark:
    """Put two items at the same place together: it was watched if one of them was."""
    times = [each.watched_at for each in (first, second) if each.watched_at is not None]
    surer = max(first, second, key=lambda mark: (mark.is_watched, mark.confidence))
    return replace(surer, watched_at=max(times, default=None))


def _subject_ratings(
    matches: Sequence[StoredMatch], ratings: Iterable[Rating], policy: RatingPolicy
) -> dict[int, int]:
    """Give each rating to one subject: of a season or a show, the first that was watched of it.

    Of what was never watched, it is the subject of the first episode.
    """
    if policy is RatingPolicy.OFF:
        return {}
    first: dict[tuple[str, int | None], StoredMatch] = {}
    usable = [e for e in matches if not e.is_special and (e.was_watched or e.is_rated_only)]
    for match in sorted(usable, key=_watched_in_order):
        if match.is_film:
            first.setdefault((match.work, None), match)
        elif match.season is not None and match.season > 0:
            first.setdefault((match.work, match.season), match)
            first.setdefault((match.work, None), match)
    accepted = {"movie": 0}
    if policy in (RatingPolicy.SEASON, RatingPolicy.SEASON_OR_SHOW):
        accepted["season"] = 0
    if policy in (RatingPolicy.SHOW, RatingPolicy.SEASON_OR_SHOW):
        accepted["show"] = 1
    rated: dict[int, int] = {}
    wanted = [each for each in ratings if each.media_type in accepted]
    for rating in sorted(wanted, key=lambda each: accepted[each.media_type]):
        match = first.get((rating.work, rating.season))
        if match is not None and match.subject is not None:
            rated.setdefault(match.subject, rating.rating)
    return rated


def _watched_in_order(match: StoredMatch) -> tuple[bool, int, int]:
    return not match.was_watched, match.season or 0, match.number or 0
