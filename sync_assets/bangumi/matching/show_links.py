"""What all sources say about one show, in the order in which the rules ask for it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sync_assets.bangumi.matching.dates import latest_begun
from sync_assets.catalog.compiling import SourcedLink
from sync_assets.catalog.models import Link, Provider, Redirect, Subject, SubjectKind

SERIES_KINDS = frozenset({SubjectKind.TV, SubjectKind.WEB, SubjectKind.UNKNOWN})
ESTIMATE_TOLERANCE = 2
"""Episodes by which a number reckoned from dates may be wrong."""

SPECIALS_SEASON = 0

_SEASONS_OF_TRAKT = "rensetsu_shows"
"""It lists Trakt's own seasons; what it has without one, Trakt has merged into another."""


class ShowLinks:
    """The links, seasons and series of one show.

    Args:
        links: What all sources say about the show.
        subjects: The subjects that the links lead to.
        redirects: Where numbers past the end of those subjects lead.

    Attributes:
        subjects: The subjects by number.
        ranges: Links with numbers of episodes, by source, provider and season.
        seasons: Subjects of which only the season is known, by source and season.
        redirects: Redirects by the subject whose end they are about.
    """

    def __init__(
        self,
        links: Sequence[SourcedLink],
        subjects: Mapping[int, Subject],
        redirects: Iterable[Redirect],
    ) -> None:
        self.subjects = subjects
        self.ranges: dict[tuple[str, Provider, int], list[Link]] = defaultdict(list)
        self.seasons: dict[tuple[str, int], set[int]] = defaultdict(set)
        self._bare: dict[str, set[int]] = defaultdict(set)
        self.redirects: dict[int, list[Redirect]] = defaultdict(list)
        self._seasons_of: dict[int, set[int]] = defaultdict(set)
        self._linked: set[int] = set()
        for each in links:
            self._add(each.link, each.source)
        for redirect in redirects:
            self.redirects[redirect.target.number].append(redirect)

    def _add(self, link: Link, source: str) -> None:
        number, provider = link.target.number, link.work.provider
        self._linked.add(number)
        counts_like_tmdb = provider in (Provider.TMDB, Provider.TRAKT)
        if link.season is None:
            if counts_like_tmdb:
                self._bare[source].add(number)
            return
        if counts_like_tmdb and not link.is_special:
            self._seasons_of[number].add(link.season)
        if link.first is None:
            if counts_like_tmdb:
                self.seasons[source, link.season].add(number)
            return
        self.ranges[source, provider, link.season].append(link)

    def airing(self, day: date | None) -> int | None:
        """Return the series that was being broadcast on a day; None where that is not known."""
        if day is None:
            return None
        latest = latest_begun(day, (self.subjects[each] for each in self.series()))
        return None if latest is None else latest.number

    def candidates(self) -> list[int]:
        """Return all subjects that may be meant: the series in order, then the others."""
        series = self.series()
        others = self.in_order(self._linked.intersection(self.subjects).difference(series))
        return series + others

    def series(self) -> list[int]:
        """Return the series of the show in the order in which they began."""
        return self.in_order(self.series_in(self._linked))

    def chain(self, source: str, season: int) -> list[int]:
        """Return a season's series in order; where no season is named, all are in the first.

        Those that another source has in a later season are not, unless Trakt has none for them.
        """
        listed = self.series_in(self.seasons.get((source, season), ()))
        if not listed and season == 1:
            listed = {
                number
                for number in self.series_in(self._bare.get(source, ()))
                if season in self._seasons_of.get(number, {season})
                or number in self._bare.get(_SEASONS_OF_TRAKT, ())
            }
        return self.in_order(listed) if season != SPECIALS_SEASON else []

    def only_one(self, source: str, season: int) -> int | None:
        """Return the subject that a source has as a season, if it has no other series there.

        Such sources list some parts of a season and not others, so nothing can be added up.
        """
        listed = self.seasons.get((source, season), set())
        found = self.series_in(listed)
        # What Trakt has as a season may be an OVA.
        if not found and source == _SEASONS_OF_TRAKT:
            found = listed.intersection(self.subjects)
        return next(iter(found)) if len(found) == 1 else None

    def series_without_season(self, source: str) -> list[int]:
        """Return the series that a source has in the show without naming a season, in order."""
        return self.in_order(self.series_in(self._bare.get(source, ())))

    def series_of_season(self, season: int) -> list[int]:
        """Return the series that any source which numbers like TMDB has in a season."""
        ranged = {
            link.target.number
            for (_, provider, linked_season), links in self.ranges.items()
            if provider is Provider.TMDB and linked_season == season
            for link in links
            if not link.is_special
        }
        return self.in_order(self.series_in(ranged | set(self.chain("bangumi_data", season))))

    def has_episode(self, number: int, episode: int, *, certainly: bool = False) -> bool:
        """Say whether a subject may have an episode; `certainly`: only if its number is known."""
        subject = self.subjects.get(number)
        if episode < 1:
            return False
        if subject is None or subject.episodes is None:
            return not certainly
        is_tolerant = subject.episodes_are_estimated and not certainly
        tolerance = ESTIMATE_TOLERANCE if is_tolerant else 0
        return episode <= subject.episodes + tolerance

    def ran_for(self, number: int, weeks: int) -> bool:
        """Say whether a subject was on the air for a number of weeks."""
        subject = self.subjects.get(number)
        if subject is None or subject.begin is None or subject.end is None:
            return False
        return subject.begin_is_exact and round((subject.end - subject.begin).days / 7) + 1 >= weeks

    def episodes_before(self, base: int) -> int | None:
        """Return how many episodes the earlier series have together, if that is known."""
        total = 0
        for number in self.series():
            if number == base:
                return total
            subject = self.subjects[number]
            if subject.episodes is None or subject.episodes_are_estimated:
                return None
            total += subject.episodes
        return None

    def series_in(self, numbers: Iterable[int]) -> set[int]:
        """Return those of some subjects that are series."""
        return {
            number
            for number in numbers
            if number in self.subjects and self.subjects[number].kind in SERIES_KINDS
        }

    def in_order(self, numbers: Iterable[int]) -> list[int]:
        """Return subjects in the order in which they began."""
        return sorted(numbers, key=lambda number: (self.subjects[number].begin or date.max, number))
