"""Find shows and films by their titles, in the catalogue and then by Bangumi's search.

A title alone never makes a match: films of the same name, live-action versions and remakes exist.
Only together with the day of the first broadcast is it sure enough.
"""

from collections.abc import Iterable, Sequence
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


def find_in_catalog(index: CatalogIndex, item: WatchedItem) -> Decision | None:
    """Look an item up by its titles.

    Args:
        index: The catalogue.
        item: The item.

    Returns:
        The best answer, sure enough to be matched only where the day agrees; None where no title
        is alike.
    """
    named = _subjects_titled(index, titles_of(item))
    alike = named or _subjects_alike(index, titles_of(item))
    subjects = index.subjects(alike)
    if item.media_type is MediaType.MOVIE:
        found = _films(subjects.values(), item.release_date)
    else:
        found = _episodes(index, item, list(subjects))
    if not found:
        return None
    agreeing = [(each, verdict) for each, verdict in found if verdict is DateVerdict.AGREES]
    places = {each.place for each, _ in agreeing}
    sure = bool(named) and len(places) == 1
    candidates = [each for each, _ in agreeing or found]
    confidence = _WITH_DATE if sure else _WITHOUT_DATE if named else _ONLY_FOUND
    alikeness = "that" if named else "like that"
    evidence = f"the title is {alikeness} of subject {candidates[0].subject}"
    return Decision(
        replace(candidates[0], method=Method.TITLE),
        confidence,
        (f"{evidence}, and the day agrees" if agreeing else evidence,),
        tuple(dict.fromkeys(each.subject for each in candidates)),
    )


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


def _subjects_titled(index: CatalogIndex, titles: Iterable[str]) -> list[int]:
    keys = [fold(form) for title in titles for form in (title, split_season(title)[0])]
    found = [
        number
        for key in dict.fromkeys(keys)
        if len(key) >= _SHORTEST_TITLE
        for number in index.subjects_titled(key)
    ]
    return list(dict.fromkeys(found))


def _subjects_alike(index: CatalogIndex, titles: Iterable[str]) -> list[int]:
    found: dict[int, None] = {}
    for title in titles:
        for key, _, _ in process.extract(
            fold(title),
            index.titles.keys(),
            scorer=fuzz.ratio,
            score_cutoff=LIKENESS,
            limit=_CANDIDATES,
        ):
            found.update(dict.fromkeys(index.titles[key]))
    return list(found)


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
            placement = Placement(subject.number, 1, Method.TITLE, "title", _WITHOUT_DATE)
            found.append((placement, verdict))
    return found


def _episodes(
    index: CatalogIndex, item: WatchedItem, numbers: Sequence[int]
) -> list[tuple[Placement, DateVerdict]]:
    """Place an episode in each show that has such a title, as if its id had been given."""
    if item.season is None or item.number is None:
        return []
    season = _season(item)
    subjects = index.subjects(numbers)
    found: dict[Placement, DateVerdict] = {}
    for number in numbers:
        works = {
            work
            for work in index.works_of(number)
            if (work.provider, work.kind) == (Provider.TMDB, WorkKind.SHOW)
        }
        show = look_up_show(index, works)
        decision = None
        if show is not None:
            subjects |= show.subjects
            placements = ShowPlacements(show).place(season, item.number)
            decision = decide(placements, show.subjects, item.release_date)
        if decision is not None:
            placement = decision.placement
        elif season == 1 and show is None:
            placement = Placement(number, item.number, Method.TITLE, "title", _WITHOUT_DATE)
        else:
            continue
        subject = subjects.get(placement.subject)
        verdict = judge(item.release_date, subject, placement.episode)
        if not verdict.contradicts:
            found[placement] = verdict
    return list(found.items())


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
