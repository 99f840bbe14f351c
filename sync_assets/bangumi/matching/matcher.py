"""Find the place of what was watched: the rules in their order, from the user's own to the search.

`docs/matching.md` describes the order for users; it is the order of `Matcher.match`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync_assets.bangumi.matching.deciding import Decision, decide
from sync_assets.bangumi.matching.models import (
    BangumiSearch,
    EpisodeType,
    Match,
    MatchingRules,
    MatchStatus,
    MediaType,
    SearchHit,
    WatchedItem,
)
from sync_assets.bangumi.matching.movies import place_movie
from sync_assets.bangumi.matching.overrides import Overrides, placement_of
from sync_assets.bangumi.matching.placements import ShowPlacements
from sync_assets.bangumi.matching.show_links import ShowLinks
from sync_assets.bangumi.matching.shows import look_up_show, numbering_of
from sync_assets.bangumi.matching.title_search import (
    TitleFinder,
    choose_hit,
    search_window,
    titles_of,
)
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.catalog.titles import fold
from sync_assets.errors import SyncError

_SURELY_ANIME = frozenset({"anime", "donghua"})
_DOUBTED = 0.6
_EVIDENCE_SHOWN = 10


def match_history(
    rows: Iterable[WatchedItem],
    index: CatalogIndex,
    overrides: Overrides,
    search: BangumiSearch | None = None,
    rules: MatchingRules | None = None,
) -> list[Match]:
    """Match what was watched.

    Args:
        rows: The items, in any order.
        index: The catalogue.
        overrides: The user's own rules.
        search: Bangumi's search, asked once per show that nothing else knows; None: not asked.
        rules: How to decide.

    Returns:
        One match per item, in the same order.
    """
    matcher = Matcher(index, overrides, search, rules or MatchingRules())
    return [matcher.match(row) for row in rows]


class Matcher:
    """Matches items one after the other, and looks each show up once.

    Args:
        index: The catalogue.
        overrides: The user's own rules.
        search: Bangumi's search; None: not asked.
        rules: How to decide.
    """

    def __init__(
        self,
        index: CatalogIndex,
        overrides: Overrides,
        search: BangumiSearch | None,
        rules: MatchingRules,
    ) -> None:
        self._index = index
        self._overrides = overrides
        self._titles = TitleFinder(index)
        self._search = search
        self._rules = rules
        self._blocked = tuple(filter(None, map(fold, rules.blocked_words)))
        self._shows: dict[tuple[Work, ...], ShowLinks | None] = {}
        self._searched: dict[tuple[object, ...], Sequence[SearchHit] | SyncError] = {}

    def match(self, item: WatchedItem) -> Match:
        """Find the place of an item."""
        return self._by_user(item) or self._by_catalog(item) or self._by_title(item)

    def _by_user(self, item: WatchedItem) -> Match | None:
        """Obey the user's own rules."""
        rule = self._overrides.rule_for(item)
        if rule is not None:
            placement = placement_of(rule, item)
            if placement is None:
                return Match(item.key, MatchStatus.IGNORED, evidence=("your rule ignores it",))
            return _matched(item, Decision(placement, 1.0, ("your rule",), ()))
        if self._is_blocked(item):
            return Match(item.key, MatchStatus.IGNORED, evidence=("its title is blocked",))
        return None

    def _by_catalog(self, item: WatchedItem) -> Match | None:
        """Ask the catalogue about the item's ids; what it does not know as anime is left alone."""
        decision, candidates = self._by_ids(item)
        if decision is not None:
            return self._judged(item, decision)
        if candidates:
            evidence = ("the catalogue knows it, but not where exactly it belongs",)
            return Match(
                item.key, MatchStatus.REVIEW, evidence=evidence, candidates=tuple(candidates)
            )
        if item.works and not self._may_be_anime(item):
            evidence = ("no source knows its ids as anime",)
            return Match(item.key, MatchStatus.NOT_ANIME, evidence=evidence)
        return None

    def _by_title(self, item: WatchedItem) -> Match:
        """Look for the item's titles, in the catalogue and then by Bangumi's search."""
        decision = self._titles.find(item)
        if decision is None or self._is_unsure(decision):
            return self._by_search(item, decision)
        return self._judged(item, decision)

    def _by_ids(self, item: WatchedItem) -> tuple[Decision | None, Sequence[int]]:
        """Return the decision, and where there is none the subjects that may be meant."""
        if item.media_type is MediaType.MOVIE:
            links = self._index.links(w for w in item.works if w.kind is WorkKind.MOVIE)
            numbers = {each.link.target.number for each in links}
            subjects = self._index.subjects(numbers)
            placements = place_movie(links, subjects, item.year)
            # The day of a film differs from country to country, so only its year counts.
            return decide(placements, subjects, None), sorted(numbers)
        show = self._show(item.works)
        if show is None:
            return None, ()
        if item.season is None or item.number is None:
            return None, show.candidates()
        return self._place_episode(show, item, item.season, item.number), show.candidates()

    def _place_episode(
        self, show: ShowLinks, item: WatchedItem, season: int, number: int
    ) -> Decision | None:
        subjects, day = show.subjects, item.release_date
        placed = ShowPlacements(show)
        numbering = numbering_of(item.works)
        placements = placed.place(season, number, numbering=numbering)
        if numbering is Provider.TMDB:
            witnesses = placed.place_by_other_numbering(season, number)
        else:
            witnesses = placed.place(season, number)
        airing = show.airing(day)
        decision = decide(placements, subjects, day, witnesses, airing=airing)
        if decision is None:
            past_the_end = placed.place_past_the_end(season, number, item.absolute_number)
            decision = decide(past_the_end, subjects, day, witnesses, airing=airing)
        if decision is None and numbering is Provider.TMDB:
            decision = decide(witnesses, subjects, day, airing=airing)
        if day is not None and season > 0 and self._is_unsure(decision):
            return decide(placed.place_by_date(number, day), subjects, day) or decision
        return decision

    def _is_unsure(self, decision: Decision | None) -> bool:
        return decision is None or decision.confidence < self._rules.minimum_confidence

    def _show(self, works: tuple[Work, ...]) -> ShowLinks | None:
        if works not in self._shows:
            self._shows[works] = look_up_show(self._index, works)
        return self._shows[works]

    def _is_blocked(self, item: WatchedItem) -> bool:
        titles = [fold(title) for title in titles_of(item)]
        return any(word in title for word in self._blocked for title in titles)

    def _may_be_anime(self, item: WatchedItem) -> bool:
        return bool(item.genres & self._rules.anime_genres)

    def _by_search(self, item: WatchedItem, known: Decision | None) -> Match:
        hits = self._hits(item)
        if isinstance(hits, SyncError):
            evidence = (f"Bangumi's search could not be asked: {hits.message}",)
            return Match(item.key, MatchStatus.POSTPONED, evidence=evidence)
        decision = choose_hit(hits, item) or known
        if decision is not None:
            return self._judged(item, decision)
        namesakes = self._titles.namesakes(item)
        if namesakes:
            evidence = ("the title is known, but no episode of that day",)
            return Match(
                item.key, MatchStatus.REVIEW, evidence=evidence, candidates=tuple(namesakes)
            )
        if self._search is None:
            evidence = ("nothing like it is in the catalogue; Bangumi's search was not asked",)
            return Match(item.key, MatchStatus.POSTPONED, evidence=evidence)
        evidence = ("nothing like it is known as anime",)
        is_anime = bool(item.genres & _SURELY_ANIME)
        status = MatchStatus.REVIEW if is_anime else MatchStatus.NOT_ANIME
        return Match(item.key, status, evidence=evidence)

    def _hits(self, item: WatchedItem) -> Sequence[SearchHit] | SyncError:
        """Ask Bangumi's search, once for all episodes of a season of a show."""
        titles = titles_of(item)
        if self._search is None or not titles:
            return ()
        key = (item.works, item.season, *map(fold, titles))
        if key not in self._searched:
            begin, end = search_window(item)
            try:
                self._searched[key] = self._search.search(titles[0], begin=begin, end=end)
            except SyncError as error:
                self._searched[key] = error
        return self._searched[key]

    def _judged(self, item: WatchedItem, decision: Decision) -> Match:
        confidence, evidence = decision.confidence, decision.evidence
        if item.genres and not self._may_be_anime(item):
            confidence = min(confidence, _DOUBTED)
            evidence = (*evidence, "its genres do not say that it is animation")
        if decision.placement.episode_type is EpisodeType.SPECIAL:
            evidence = (*evidence, "a special within the subject")
        judged = replace(decision, confidence=confidence, evidence=evidence)
        if self._is_unsure(judged):
            return _answer(item, MatchStatus.REVIEW, judged, decision.subjects)
        return _matched(item, judged)


def _matched(item: WatchedItem, decision: Decision) -> Match:
    return _answer(item, MatchStatus.MATCHED, decision, ())


def _answer(
    item: WatchedItem, status: MatchStatus, decision: Decision, candidates: tuple[int, ...]
) -> Match:
    placement = decision.placement
    return Match(
        item.key,
        status,
        placement.subject,
        placement.episode,
        placement.episode_type,
        placement.method,
        round(decision.confidence, 3),
        decision.evidence[:_EVIDENCE_SHOWN],
        candidates,
    )
