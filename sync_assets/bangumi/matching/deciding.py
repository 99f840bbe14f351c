"""Decide between placements: who agrees, who contradicts, and how sure that makes the answer."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sync_assets.bangumi.matching.dates import DateVerdict, judge
from sync_assets.bangumi.matching.models import EpisodeType, Method, Placement
from sync_assets.catalog.models import Subject

CERTAIN = 0.995
_WITH_DATE = 0.99
_OUTVOTED = 0.93
_NAMED_AGAINST_RECKONED = 0.92
_UNDECIDED = 0.6
_AGAINST_DATE = 0.5
_STANDS_ALONE = 0.93
"""A statement below this is believed alone only where no witness objects."""
_CONFIRMABLE = 0.85
_CONFIRMED = 0.91
"""What is not believed alone, where another numbering leads to the same place."""
_NAMING_WEIGHT = 0.1
_BELIEVED = 0.9
_CLEARLY = 0.03
_BY_HAND = "anibridge"
_RECKONED = (Method.CUMULATIVE, Method.ABSOLUTE_NUMBER)
_WHOLE_SEASON = (Method.SINGLE_SUBJECT, Method.CUMULATIVE)
_EXPLICIT = (Method.EXACT_EPISODE, Method.EPISODE_RANGE)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer that was chosen.

    Attributes:
        placement: The best statement for it.
        confidence: How sure it is.
        evidence: Who said what, for people.
        subjects: All subjects that were named, the chosen one first.
    """

    placement: Placement
    confidence: float
    evidence: tuple[str, ...]
    subjects: tuple[int, ...]


def decide(
    placements: Sequence[Placement],
    subjects: Mapping[int, Subject],
    day: date | None,
    witnesses: Sequence[Placement] = (),
    *,
    airing: int | None = None,
) -> Decision | None:
    """Choose the answer.

    Agreement of sources that do not know each other makes an answer surer. A contradiction makes
    it unsure, unless the others are in the minority, or only reckon where one source names the
    episode. The day on which the episode was first seen overrules numbers.

    Args:
        placements: What sources and rules say.
        subjects: The subjects they name.
        day: When the episode was first seen, where that is known.
        witnesses: What is said by another numbering. It never makes an answer, but confirms a
            placement that stands alone, and tips the balance where they contradict each other.
        airing: The series of the show that was being broadcast on that day, where that is known.
            The day speaks for no other one.

    Returns:
        The decision, or None where nobody says anything.
    """
    if not placements:
        return None
    verdicts = {each: _verdict(each, subjects, day, airing) for each in placements}
    possible = [each for each in placements if not verdicts[each].contradicts]
    groups = _grouped(possible or placements)
    ranked = sorted(groups, key=_strength, reverse=True)
    chosen, rivals = ranked[0], ranked[1:]
    best = max(chosen, key=lambda each: each.confidence)
    confidence = _confidence(chosen, rivals, witnesses)
    if not possible:
        confidence = _AGAINST_DATE
    elif verdicts[best] is DateVerdict.AGREES and (not rivals or len(chosen) > 1):
        confidence = max(confidence, _WITH_DATE)
    return Decision(
        best,
        confidence,
        tuple(_described(each, verdicts[each]) for group in ranked for each in group),
        tuple(dict.fromkeys(each.subject for group in ranked for each in group)),
    )


def _verdict(
    placement: Placement, subjects: Mapping[int, Subject], day: date | None, airing: int | None
) -> DateVerdict:
    verdict = judge(day, subjects.get(placement.subject), placement.episode)
    another_was_on = airing not in (None, placement.subject)
    if verdict is DateVerdict.AGREES and another_was_on:
        return DateVerdict.SAYS_NOTHING
    # Late alone is no reason: broadcasts abroad and long breaks are late as well.
    if verdict is DateVerdict.TOO_LATE and not another_was_on:
        return DateVerdict.SAYS_NOTHING
    return verdict


def _grouped(placements: Sequence[Placement]) -> list[list[Placement]]:
    groups = defaultdict(list)
    for each in placements:
        groups[each.place].append(each)
    return list(groups.values())


def _strength(group: Sequence[Placement]) -> float:
    """Two who say the same outweigh one; who names the episode outweighs who reckons it."""
    names_it = any(each.method not in _RECKONED for each in group)
    return sum(each.confidence for each in group) + (_NAMING_WEIGHT if names_it else 0)


def _confidence(
    chosen: Sequence[Placement],
    rivals: Sequence[Sequence[Placement]],
    witnesses: Sequence[Placement],
) -> float:
    best = max(each.confidence for each in chosen)
    place = chosen[0].place
    support = sum(each.place == place for each in witnesses)
    objections = _objections(place, witnesses)
    if rivals:
        return _confidence_against(chosen, rivals, support, objections)
    if len(chosen) > 1:
        return min(CERTAIN, 1 - math.prod(1 - each.confidence for each in chosen))
    if support and not objections and _CONFIRMABLE <= best < _CONFIRMED:
        return _CONFIRMED
    enough = 1 if best < _STANDS_ALONE else 2
    return _UNDECIDED if not support and objections >= enough else best


def _confidence_against(
    chosen: Sequence[Placement],
    rivals: Sequence[Sequence[Placement]],
    support: int,
    objections: int,
) -> float:
    # Who would not be believed alone is no rival to count.
    rivalry = max(sum(each.confidence >= _BELIEVED for each in rival) for rival in rivals)
    all_reckon = all(each.method in _RECKONED for rival in rivals for each in rival)
    if all_reckon and any(each.method in _EXPLICIT for each in chosen):
        return _NAMED_AGAINST_RECKONED
    if len(chosen) + support <= rivalry + objections:
        return _UNDECIDED
    by_hand = any(each.source == _BY_HAND and each.method in _EXPLICIT for each in chosen)
    best_rival = max(each.confidence for rival in rivals for each in rival)
    # Two sources of different minds about a whole season: bangumi-data is right in two of three.
    is_about_seasons = all(
        each.method in _WHOLE_SEASON for group in (chosen, *rivals) for each in group
    )
    is_clear = best_rival < max(each.confidence for each in chosen) - _CLEARLY
    weaker = is_clear and not is_about_seasons
    is_settled = by_hand or weaker or support or len(chosen) > rivalry + 1
    return _OUTVOTED if is_settled else _UNDECIDED


def _objections(place: tuple[int, int, EpisodeType], witnesses: Sequence[Placement]) -> int:
    """Return how many witnesses agree with each other on another place."""
    others = Counter(each.place for each in witnesses if each.place != place)
    return max(others.values(), default=0)


def _described(placement: Placement, verdict: DateVerdict) -> str:
    day = {
        DateVerdict.AGREES: ", the day agrees",
        DateVerdict.TOO_EARLY: ", it had not begun on that day",
        DateVerdict.TOO_LATE: ", another one was on the air on that day",
        DateVerdict.SAYS_NOTHING: "",
    }[verdict]
    return (
        f"{placement.source}: {placement.method.value.replace('_', ' ')}, "
        f"subject {placement.subject} episode {placement.episode}{day}"
    )
