"""Where a film belongs: which subject, and which of its parts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sync_assets.bangumi.matching.models import Method, Placement
from sync_assets.catalog.compiling import SourcedLink
from sync_assets.catalog.models import Subject, SubjectKind

YEARS_APART = 2
"""A film may reach other countries a year or two later; more than that, and it is another one."""

_FILM = 0.96
_SEVERAL_PARTS = 0.92
_SECONDARY = 0.85
_NEVER_ALONE = ("bangumi_extlinker",)
"""It lists what no other source knows as anime, such as films with actors."""
_SERIES_KINDS = frozenset({SubjectKind.TV, SubjectKind.WEB})


def place_movie(
    links: Sequence[SourcedLink], subjects: Mapping[int, Subject], year: int | None
) -> list[Placement]:
    """Place a film.

    Args:
        links: What all sources say about the film.
        subjects: The subjects that the links lead to.
        year: The film's year.

    Returns:
        What the sources say, at most one answer of each.
    """
    named: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for each in links:
        named[each.source].add((each.link.target.number, each.link.target_first or 1))
    found = []
    for source, places in named.items():
        of_the_year = {each for each in places if _is_of_year(subjects.get(each[0]), year)}
        likely = _films(of_the_year or places, subjects)
        if len(likely) == 1:
            subject, part = next(iter(likely))
            confidence = _FILM if part == 1 else _SEVERAL_PARTS
            if source in _NEVER_ALONE or not of_the_year:
                confidence = _SECONDARY
            found.append(Placement(subject, part, Method.MOVIE, source, confidence))
    return found


def _is_of_year(subject: Subject | None, year: int | None) -> bool:
    if subject is None or subject.begin is None or year is None:
        return True
    return abs(subject.begin.year - year) <= YEARS_APART


def _films(places: set[tuple[int, int]], subjects: Mapping[int, Subject]) -> set[tuple[int, int]]:
    """Leave out series where a film or an OVA is named as well."""
    films = {
        (number, part)
        for number, part in places
        if number not in subjects or subjects[number].kind not in _SERIES_KINDS
    }
    exact = {
        (number, part)
        for number, part in films
        if number in subjects and subjects[number].kind is not SubjectKind.UNKNOWN
    }
    return exact or films or places
