"""Which of Bangumi's episodes a place means: by number, else by day; no guesses."""

from collections.abc import Iterable
from datetime import timedelta

from sync_assets.bangumi.models import Episode, EpisodeKind, SubjectState
from sync_assets.bangumi.report_models import ReportKind
from sync_assets.bangumi.wanted import WantedMark

_DAY = timedelta(days=1)


def find_episode(mark: WantedMark, subject: SubjectState) -> Episode | None:
    """Find the episode that a mark means.

    A main episode is sought by its number within the subject (`ep`), then by the number that goes
    on from the subject before (`sort`), then by the absolute number, then by the day.

    Args:
        mark: The mark.
        subject: The subject.

    Returns:
        The episode; None where none or more than one could be meant.
    """
    number = mark.key.number
    if mark.key.kind is ReportKind.SPECIAL:
        specials = [e for e in subject.episodes.values() if e.kind == EpisodeKind.SPECIAL]
        return _only(e for e in specials if e.sort == number) or _aired_with(mark, specials)
    main = subject.main_episodes
    if mark.is_film and number == 1 and len(main) == 1:
        return main[0]
    return (
        _only(e for e in main if e.ep == number)
        or _only(e for e in main if e.sort == number)
        or _only(e for e in main if e.sort == mark.absolute_number)
        or _aired_with(mark, main)
    )


def _aired_with(mark: WantedMark, episodes: Iterable[Episode]) -> Episode | None:
    day = mark.air_date
    if day is None:
        return None
    return _only(e for e in episodes if e.air_date is not None and abs(e.air_date - day) <= _DAY)


def _only(episodes: Iterable[Episode]) -> Episode | None:
    found = list(episodes)
    return found[0] if len(found) == 1 else None
