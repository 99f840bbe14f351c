"""What waits for a person: episodes and films that the matching could not place surely enough.

Episodes of a season about which there is the same doubt are one question. Nothing is stored for
it: a question is what the last matching left in review and no rule of the user answers by now.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sync_assets.bangumi.match_table import ASSET, StoredMatch, read_matches
from sync_assets.bangumi.matching import MatchStatus, MediaType, Overrides, WatchedItem
from sync_assets.bangumi.matching.models import EpisodeType
from sync_assets.bangumi.trakt_tables import read_collected, read_watched
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Subject, Work, WorkKind
from sync_assets.lake import AbsentError, Lake

_ID_DIGITS = 8
_WORK = re.compile(r"(?:.*/)?(show|movie)/(trakt|tmdb|tvdb|imdb)/([^/]+)")
_EVIDENCE_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subject that may be meant.

    Attributes:
        number: The subject.
        name: Its original title; empty where the catalogue does not know it.
        name_cn: Its Chinese title; empty where none is known.
        begin: The day of its first episode.
        episodes: How many main episodes it has.
    """

    number: int
    name: str = ""
    name_cn: str = ""
    begin: date | None = None
    episodes: int | None = None

    @property
    def address(self) -> str:
        """Its page at Bangumi."""
        return f"https://bgm.tv/subject/{self.number}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The place that the matching would choose, were it surer.

    Attributes:
        subject: The subject.
        episode: The subject's episode that the question's first one would be.
        is_special: Whether the subject's specials are meant.
        method: How it was found.
        confidence: From 0 to 1.
    """

    subject: int
    episode: int
    is_special: bool
    method: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Question:
    """Episodes of a season, or a film, that a person has to place.

    Attributes:
        id: Names it for as long as nothing about it changes.
        item: The first episode, or the film.
        last: The last episode's number; None for a film.
        episodes: How many episodes were watched; 1 for a film.
        accounts: Whose.
        suggestion: What the matching would choose; None where it has no idea.
        candidates: Subjects that may be meant, the likeliest first.
        evidence: Why it is in doubt, for people.
    """

    id: str
    item: WatchedItem
    last: int | None
    episodes: int
    accounts: tuple[str, ...]
    suggestion: Suggestion | None
    candidates: tuple[Candidate, ...]
    evidence: tuple[str, ...]

    @property
    def is_film(self) -> bool:
        """Whether it is about a film."""
        return self.item.media_type is MediaType.MOVIE

    @property
    def place(self) -> str:
        """Which part of the show it is about, for people."""
        if self.is_film:
            return "film"
        season = "specials" if self.item.season == 0 else f"season {self.item.season}"
        if self.last == self.item.number:
            return f"{season}, episode {self.item.number}"
        return f"{season}, episodes {self.item.number}–{self.last}"  # noqa: RUF001 - a range


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """What waits.

    Attributes:
        questions: What waits for a person, by title.
        answered: How many episodes and films have an answer that the next matching will see.
        answered_accounts: Whose these are.
    """

    questions: tuple[Question, ...]
    answered: int
    answered_accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    account: str
    match: StoredMatch
    item: WatchedItem

    @property
    def doubt(self) -> tuple[object, ...]:
        """What episodes share that can be answered as one."""
        match = self.match
        if match.subject is None or match.episode is None:
            return match.candidates
        return match.subject, match.episode - (match.number or 1), match.episode_type


def read_queue(
    lake: Lake, accounts: Iterable[str], index_path: Path, overrides: Overrides
) -> ReviewQueue:
    """Return what waits, as the last matching of each account left it.

    Args:
        lake: The lake.
        accounts: The accounts.
        index_path: The catalogue, for the titles of candidates.
        overrides: The user's rules: what they answer waits no more.

    Raises:
        CatalogUnavailableError: There is no catalogue.
    """
    waiting: dict[tuple[str, int | None], list[_Waiting]] = defaultdict(list)
    placed: dict[tuple[str, int | None], set[int | None]] = defaultdict(set)
    answered: list[_Waiting] = []
    for account in accounts:
        matches = _matches(lake, account)
        has_doubts = any(each.status == MatchStatus.REVIEW for each in matches)
        items = _items(lake, account) if has_doubts else {}
        for match in matches:
            season = (match.work, match.season)
            if match.status != MatchStatus.REVIEW:
                placed[season].add(match.number)
                continue
            each = _Waiting(account, match, items.get(match.key) or _item_of(match))
            if overrides.rule_for(each.item) is None:
                waiting[season].append(each)
            else:
                answered.append(each)
                placed[season].add(match.number)
    groups = [group for season, each in waiting.items() for group in _alike(each, placed[season])]
    questions = _questions(groups, index_path) if groups else []
    return ReviewQueue(
        tuple(sorted(questions, key=_order)),
        len({each.item.key for each in answered}),
        tuple(sorted({each.account for each in answered})),
    )


def _order(question: Question) -> tuple[str, str, int, int]:
    item = question.item
    return item.title.casefold(), item.key, item.season or 0, item.number or 0


def _matches(lake: Lake, account: str) -> list[StoredMatch]:
    return read_matches(lake, account) if lake.exists(ASSET, partition=account) else []


def _items(lake: Lake, account: str) -> dict[str, WatchedItem]:
    try:
        watched = read_watched(lake, account)
    except AbsentError:
        watched = []
    # What was watched says more than what was collected.
    return {each.item.key: each.item for each in (*read_collected(lake, account), *watched)}


def _item_of(match: StoredMatch) -> WatchedItem:
    """Return what a match itself tells of its item: not all of them are in Trakt's tables."""
    named = _WORK.fullmatch(match.work)
    works = (Work(Provider(named[2]), WorkKind(named[1]), named[3]),) if named else ()
    place = "" if match.is_film else f" {match.season}x{match.number or 0:02}"
    return WatchedItem(
        key=match.key,
        media_type=MediaType(match.media_type),
        title=match.title.removesuffix(place),
        works=works,
        season=match.season,
        number=match.number,
        release_date=match.release_date,
    )


def _alike(waiting: Sequence[_Waiting], placed: set[int | None]) -> Iterator[list[_Waiting]]:
    """Part a season's episodes so that one rule per group touches no other episode."""
    group: list[_Waiting] = []
    for each in sorted(waiting, key=lambda one: one.match.number or 0):
        if group and (each.doubt != group[0].doubt or _is_between(placed, group[-1], each)):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _is_between(numbers: set[int | None], one: _Waiting, other: _Waiting) -> bool:
    first, last = one.match.number or 0, other.match.number or 0
    return any(first < (number or 0) < last for number in numbers)


def _questions(groups: Sequence[Sequence[_Waiting]], index_path: Path) -> list[Question]:
    numbers = {number for group in groups for number in _candidate_numbers(group)}
    with closing(CatalogIndex(index_path)) as index:
        subjects = index.subjects(numbers)
    return [_question(group, subjects) for group in groups]


def _candidate_numbers(group: Sequence[_Waiting]) -> tuple[int, ...]:
    numbers = [group[0].match.subject, *(n for each in group for n in each.match.candidates)]
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def _question(group: Sequence[_Waiting], subjects: Mapping[int, Subject]) -> Question:
    first, last = group[0].match, group[-1].match
    candidates = _candidate_numbers(group)
    about = f"{first.work}|{first.season}|{first.number}-{last.number}|{group[0].doubt}"
    evidence = dict.fromkeys(reason for each in group for reason in each.match.evidence)
    return Question(
        hashlib.sha256(f"{about}|{candidates}".encode()).hexdigest()[:_ID_DIGITS],
        group[0].item,
        last.number,
        len({each.match.key for each in group}),
        tuple(sorted({each.account for each in group})),
        _suggestion(group),
        tuple(candidate(number, subjects.get(number)) for number in candidates),
        tuple(evidence)[:_EVIDENCE_SHOWN],
    )


def _suggestion(group: Sequence[_Waiting]) -> Suggestion | None:
    match = group[0].match
    if match.subject is None or match.episode is None:
        return None
    least = min(each.match.confidence for each in group)
    is_special = match.episode_type == EpisodeType.SPECIAL
    return Suggestion(match.subject, match.episode, is_special, match.method or "", least)


def candidate(number: int, subject: Subject | None) -> Candidate:
    """Describe a subject as far as the catalogue knows it.

    Args:
        number: The subject.
        subject: What the catalogue says; None where it does not know it.
    """
    if subject is None:
        return Candidate(number)
    episodes = None if subject.episodes_are_estimated else subject.episodes
    return Candidate(number, subject.name, subject.name_cn, subject.begin, episodes)


def question_of(queue: ReviewQueue, question_id: str) -> Question | None:
    """Return a question; None where it is answered, or is another one by now.

    Args:
        queue: What waits.
        question_id: Its id.
    """
    return next((each for each in queue.questions if each.id == question_id), None)
