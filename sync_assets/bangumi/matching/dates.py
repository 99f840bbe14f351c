"""Whether the day on which an episode was first seen speaks for or against a subject."""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import Enum, auto

from sync_assets.catalog.models import Subject

EARLY = timedelta(days=2)
"""Times of broadcast after midnight, and previews of the day before, shift a day by up to two."""
LATE = timedelta(days=60)
"""What is postponed, or shown elsewhere first, ends later than the first broadcast."""
_LONGEST_COUR = timedelta(days=400)


class DateVerdict(Enum):
    """What a day says about a subject."""

    AGREES = auto()
    SAYS_NOTHING = auto()
    TOO_EARLY = auto()
    TOO_LATE = auto()

    @property
    def contradicts(self) -> bool:
        """Whether the subject had not begun, or was over."""
        return self in (DateVerdict.TOO_EARLY, DateVerdict.TOO_LATE)


def judge(day: date | None, subject: Subject | None, episode: int) -> DateVerdict:
    """Compare the day of an episode with the days of a subject.

    Args:
        day: The day on which the episode was first seen.
        subject: The subject.
        episode: The episode's number within it.

    Returns:
        The verdict; nothing is said where the subject's first day is not known.
    """
    if day is None or subject is None or subject.begin is None or not subject.begin_is_exact:
        return DateVerdict.SAYS_NOTHING
    if day < subject.begin - EARLY:
        return DateVerdict.TOO_EARLY
    if subject.end is not None and day > subject.end + LATE:
        return DateVerdict.TOO_LATE
    if subject.end is not None or day <= subject.begin + EARLY + timedelta(weeks=episode + 8):
        return DateVerdict.AGREES
    return DateVerdict.SAYS_NOTHING


def latest_begun(day: date, subjects: Iterable[Subject]) -> Subject | None:
    """Return the series that was the last to begin before a day, unless it had long ended."""
    begun = [
        subject
        for subject in subjects
        if subject.begin is not None and subject.begin_is_exact and subject.begin - EARLY <= day
    ]
    latest = max(begun, key=lambda subject: subject.begin or date.min, default=None)
    if latest is None or latest.begin is None:
        return None
    end = latest.end or latest.begin + _LONGEST_COUR
    return latest if day <= end + LATE else None
