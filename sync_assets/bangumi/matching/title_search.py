"""Find shows and films by their titles, in the catalogue and then by Bangumi's search.

A title alone never makes a match: films of the same name, live-action versions and remakes exist.
Only together with the day of the first broadcast is it sure enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from rapidfuzz import fuzz, process

from sync_assets.bangumi.matching.dates import DateVerdict, judge
from sync_assets.bangumi.matching.deciding import Decision, decide
from sync_assets.bangumi.matching.models import (
    MediaType,
    Method,
    Placement,
    SearchHit,
    WatchedItem,
)
from sync_assets.bangumi.matching.placements import ShowPlacements
from sync_assets.bangumi.matching.show_links import ShowLinks
from sync_assets.bangumi.matching.shows import look_up_show
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Subject, SubjectKind, WorkKind
from sync_assets.catalog.titles import fold, split_season

LIKENESS = 90.0
"""How alike, of 100, a folded title must be to be shown as a candidate."""
SEARCH_LIKENESS = 85.0
FILM_WINDOW = timedelta(days=200)
"""Films reach other countries, and media servers, up to half a year later."""

_WITH_DATE = 0.95
_WITHOUT_DATE = 0.8
_FOUND_BY_SEARCH = 0.9
_ONLY_FOUND = 0.6
_SHORTEST_TITLE = 2
_CANDIDATES = 5
_YEAR = timedelta(days=366)


def titles_of(item: WatchedItem) -> list[str]:
    """Return the item's titles, the original one first."""
    return [title for title in (item.original_title, item.title) if title]


class TitleFinder:
    """Looks items up in the catalogue by their titles.

    Args:
        index: The catalogue.
    """

    def __init__(self, index: CatalogIndex) -> None:
        self._index = index
        self._alike: dict[str, list[int]] = {}
        self._shows: dict[int, ShowLinks | None] = {}

    def find(self, item: WatchedItem) -> Decision | None:
        """Look an item up.

        Args:
            item: The item.

        Returns:
            The best answer, sure enough to be matched only where the day agrees; None where no
            title is alike.
        """
        named = self.namesakes(item)
        subjects = self._index.subjects(named or self._subjects_alike(titles_of(item)))
        if item.media_type is MediaType.MOVIE:
            found = _films(subjects.values(), item.release_date)
        else:
            found = self._episodes(item, subjects)
        if not found:
            return None
        agreeing = [placement for placement, day in found if day is DateVerdict.AGREES]
        candidates = agreeing or [placement for placement, _ in found]
        best = candidates[0]
        is_sure = bool(named) and len({each.place for each in agreeing}) == 1
        confidence = _WITH_DATE if is_sure else _WITHOUT_DATE if named else _ONLY_FOUND
        evidence = f"the title is {'that' if named else 'like that'} of subject {best.subject}"
        return Decision(
            replace(best, method=Method.TITLE),
            min(confidence, best.confidence),
            (f"{evidence}, and the day agrees" if agreeing else evidence,),
            tuple(dict.fromkeys(each.subject for each in candidates)),
        )

    def namesakes(self, item: WatchedItem) -> list[int]:
        """Return the subjects that have exactly the item's title, with or without its season."""
        forms = (form for title in titles_of(item) for form in (title, split_season(title)[0]))
        keys = [fold(form) for form in forms]
        found = [
            number
            for key in dict.fromkeys(keys)
            if len(key) >= _SHORTEST_TITLE
            for number in self._index.subjects_titled(key)
        ]
        return list(dict.fromkeys(found))

    def _subjects_alike(self, titles: Iterable[str]) -> list[int]:
        found: dict[int, None] = {}
        for key in map(fold, titles):
            if key not in self._alike:
                self._alike[key] = self._most_alike(key)
            found.update(dict.fromkeys(self._alike[key]))
        return list(found)

    def _most_alike(self, key: str) -> list[int]:
        titles = self._index.titles
        hits = process.extract(
            key, titles.keys(), scorer=fuzz.ratio, score_cutoff=LIKENESS, limit=_CANDIDATES
        )
        return [number for title, _, _ in hits for number in titles[title]]

    def _episodes(
        self, item: WatchedItem, subjects: Mapping[int, Subject]
    ) -> list[tuple[Placement, DateVerdict]]:
        """Place an episode in each show that has such a title, as if its id had been given."""
        if item.season is None or item.number is None:
            return []
        season, known = _season(item), dict(subjects)
        found: dict[Placement, DateVerdict] = {}
        for number in subjects:
            show = self._show(number)
            if show is not None:
                known |= show.subjects
                placements = ShowPlacements(show).place(season, item.number)
                decision = decide(placements, show.subjects, item.release_date)
                placement = None if decision is None else _as_decided(decision)
            elif season == 1:
                placement = Placement(number, item.number, Method.TITLE, "title", _WITH_DATE)
            else:
                placement = None
            if placement is None:
                continue
            verdict = judge(item.release_date, known.get(placement.subject), placement.episode)
            if not verdict.contradicts:
                found[placement] = verdict
        return list(found.items())

    def _show(self, subject: int) -> ShowLinks | None:
        if subject not in self._shows:
            works = {
                work
                for work in self._index.works_of(subject)
                if (work.provider, work.kind) == (Provider.TMDB, WorkKind.SHOW)
            }
            self._shows[subject] = look_up_show(self._index, works)
        return self._shows[subject]


def choose_hit(hits: Sequence[SearchHit], item: WatchedItem) -> Decision | None:
    """Choose among what Bangumi's search found.

    Args:
        hits: The subjects.
        item: The item.

    Returns:
        The likeliest one; sure enough only where title and day agree and no other one does.
    """
    scored = sorted(((_likeness(hit, item), hit) for hit in hits), key=lambda each: -each[0])
    alike = [hit for likeness, hit in scored if likeness >= SEARCH_LIKENESS]
    if not alike:
        return None
    fitting = [hit for hit in alike if _fits(hit, item)]
    chosen = (fitting or alike)[0]
    episode = item.number or 1
    return Decision(
        Placement(chosen.subject, episode, Method.SEARCH, "search", _FOUND_BY_SEARCH),
        _FOUND_BY_SEARCH if len(fitting) == 1 else _ONLY_FOUND,
        (f"Bangumi's search found {len(alike)} like it, {len(fitting)} of that day",),
        tuple(hit.subject for hit in alike[:_CANDIDATES]),
    )


def search_window(item: WatchedItem) -> tuple[date | None, date | None]:
    """Return between which days the subject of an item may have begun."""
    if item.release_date is not None:
        return item.release_date - 2 * _YEAR, item.release_date + timedelta(days=3)
    if item.year is not None and item.season in (None, 1):
        return date(item.year - 1, 1, 1), date(item.year + 2, 1, 1)
    return None, None


def _films(subjects: Iterable[Subject], day: date | None) -> list[tuple[Placement, DateVerdict]]:
    found = []
    for subject in subjects:
        if subject.kind in (SubjectKind.TV, SubjectKind.WEB):
            continue
        verdict = DateVerdict.SAYS_NOTHING
        if day is not None and subject.begin is not None:
            near = -timedelta(days=31) <= day - subject.begin <= FILM_WINDOW
            verdict = DateVerdict.AGREES if near else DateVerdict.TOO_LATE
        if not verdict.contradicts:
            placement = Placement(subject.number, 1, Method.TITLE, "title", _WITH_DATE)
            found.append((placement, verdict))
    return found


def _as_decided(decision: Decision) -> Placement:
    return replace(decision.placement, confidence=decision.confidence)


def _season(item: WatchedItem) -> int:
    """Return the season; sources that give each season a title of its own count it as the first."""
    named = next((each for _, each in map(split_season, titles_of(item)) if each), None)
    return named if named is not None and item.season == 1 else item.season or 0


def _likeness(hit: SearchHit, item: WatchedItem) -> float:
    return max(
        (
            fuzz.ratio(fold(title), fold(name))
            for title in titles_of(item)
            for name in (hit.name, hit.name_cn)
            if name
        ),
        default=0.0,
    )


def _fits(hit: SearchHit, item: WatchedItem) -> bool:
    is_movie = item.media_type is MediaType.MOVIE
    if hit.begin is None or item.release_date is None or hit.is_movie is not is_movie:
        return False
    if is_movie:
        return -timedelta(days=31) <= item.release_date - hit.begin <= FILM_WINDOW
    number = item.number or 0
    if item.season == 0 or number < 1 or (hit.episodes is not None and number > hit.episodes):
        return False
    subject = Subject(hit.subject, hit.name, begin=hit.begin, begin_is_exact=True)
    return judge(item.release_date, subject, number) is DateVerdict.AGREES
