"""What each mapping source says about an episode of a show: placements, before anything is decided.

Sources number like TMDB (Trakt does, too) or like TheTVDB. Those that number as the item does are
evidence in full, the others only where the former say nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from sync_assets.bangumi.matching.models import EpisodeType, Method, Placement
from sync_assets.bangumi.matching.show_links import ESTIMATE_TOLERANCE, SPECIALS_SEASON, ShowLinks
from sync_assets.catalog.models import Link, Provider, Subject

ONE_COUR = 12
"""Up to this number an episode is in the first subject of its season, whatever follows."""

WEEKS_APART = 2
"""Weeks by which an episode's number may differ from the weeks since the first one."""

_EXACT = 0.97
_EXACT_BY_HAND = 0.98
_BOUNDED = 0.97
_OPEN = 0.96
_OPEN_SPECIALS = 0.85
_SINGLE = 0.96
_UNCOUNTED = 0.93
_UNCOUNTED_ON_AIR = 0.85
_UNCOUNTED_LATE = 0.6
_CUMULATIVE = 0.95
_CUMULATIVE_ESTIMATED = 0.91
_CUMULATIVE_AT_AN_EDGE = 0.6
_SECONDARY_SINGLE = 0.85
_ABSOLUTE = 0.91
_REDIRECT = 0.85
_RUNNING_ON = 0.85
_FOREIGN_NUMBERING = 0.85
_FOREIGN_AGREED = 0.9
_ANIME_SPECIAL = 0.8
_AIR_DATE = 0.91


class ShowPlacements:
    """Places the episodes of one show.

    Args:
        show: What all sources say about it.
    """

    def __init__(self, show: ShowLinks) -> None:
        self._show = show

    def place(
        self, season: int, number: int, *, numbering: Provider = Provider.TMDB
    ) -> list[Placement]:
        """Place an episode by everything that numbers as the item does.

        Args:
            season: The season.
            number: The episode's number in it.
            numbering: Whose numbering the item has.

        Returns:
            What the sources say, at most one answer of each; empty where they say nothing.
        """
        found = {}
        for (source, provider, linked_season), links in self._show.ranges.items():
            if provider is numbering and linked_season == season:
                for placement in self._by_range(links, number, source):
                    found.setdefault(source, placement)
        if numbering is Provider.TMDB:
            for placement in self._by_season(season, number):
                found.setdefault(placement.source, placement)
        return list(found.values())

    def place_by_other_numbering(self, season: int, number: int) -> list[Placement]:
        """Place an episode by TheTVDB's numbering, which often is TMDB's; never specials.

        First seasons are numbered alike nearly always, so there two sources that agree are enough,
        if the anime is known to have that many episodes.
        """
        if season == SPECIALS_SEASON:
            return []
        found = self.place(season, number, numbering=Provider.TVDB)
        agreed = (
            season == 1
            and len(found) > 1
            and len({each.place for each in found}) == 1
            and self._show.has_episode(found[0].subject, found[0].episode, certainly=True)
        )
        return [
            replace(
                each,
                source=f"{each.source} (TheTVDB)",
                confidence=_FOREIGN_AGREED if agreed else _FOREIGN_NUMBERING,
            )
            for each in found
        ]

    def place_past_the_end(
        self, season: int, number: int, absolute_number: int | None
    ) -> list[Placement]:
        """Place an episode whose number is past the end of what its season is known to be."""
        if season == SPECIALS_SEASON:
            return []
        found = [
            placement
            for base in self._show.series_of_season(season)
            for placement in self._by_redirect(base, number)
        ]
        if absolute_number is not None and absolute_number != number:
            found += self._by_show_number(self._show.series(), absolute_number, _ABSOLUTE)
        elif season == 1 and found:
            # Redirects count what TMDB may have among the specials; the series are the test.
            found += self._by_show_number(
                self._show.series_without_season("bangumi_data"), number, _RUNNING_ON
            )
        return found

    def place_by_date(self, number: int, day: date) -> list[Placement]:
        """Place an episode by the day on which it was first seen.

        The series that was the last to begin is meant, if the episode's number, its own or the one
        counted from the show's beginning, is about the number of weeks since then.
        """
        airing = self._show.airing(day)
        latest = None if airing is None else self._show.subjects[airing]
        if latest is None or latest.begin is None:
            return []
        weeks = round((day - latest.begin).days / 7) + 1
        counted = {number, number - (self._show.episodes_before(latest.number) or 0)}
        likely = [
            each
            for each in sorted(counted)
            if abs(each - weeks) <= WEEKS_APART and self._show.has_episode(latest.number, each)
        ]
        if len(likely) != 1:
            return []
        return [Placement(latest.number, likely[0], Method.AIR_DATE, "air date", _AIR_DATE)]

    def _by_range(self, links: Sequence[Link], number: int, source: str) -> Iterator[Placement]:
        reached = [link for link in links if link.first is not None and link.first <= number]
        exact = [link for link in reached if link.first == link.last == number]
        bounded = [link for link in reached if link.last is not None and number <= link.last]
        if exact or bounded:
            by_hand = source in ("anibridge", "bangumi_data")
            confidence = (_EXACT_BY_HAND if by_hand else _EXACT) if exact else _BOUNDED
            method = Method.EXACT_EPISODE if exact else Method.EPISODE_RANGE
            places = {
                _placed(link, number, method, source, confidence) for link in exact or bounded
            }
            # Several subjects for the same episode: the source does not decide.
            if len(places) == 1:
                yield from places
            return
        open_ended = [link for link in reached if link.last is None]
        latest = max((link.first or 0 for link in open_ended), default=0)
        fitting = {
            _placed(link, number, Method.EPISODE_RANGE, source, self._open_confidence(link, number))
            for link in open_ended
            if link.first == latest and self._fits(link, number, links)
        }
        if len(fitting) == 1:
            yield from fitting

    def _fits(self, link: Link, number: int, links: Sequence[Link]) -> bool:
        episode = _episode(link, number)
        # A run of specials ends with its own number of episodes, or where another one begins.
        is_open = link.season == SPECIALS_SEASON and not any(
            other.last is None and (other.first or 0) > number for other in links
        )
        return self._show.has_episode(
            link.target.number, episode, certainly=is_open and episode > 1
        )

    def _open_confidence(self, link: Link, number: int) -> float:
        if link.season == SPECIALS_SEASON:
            return _OPEN_SPECIALS
        return self._confidence(link.target.number, _episode(link, number), _OPEN)

    def _confidence(self, subject: int, episode: int, counted: float) -> float:
        """Return how sure a subject is that may have fewer episodes than nobody knows."""
        if self._show.has_episode(subject, episode, certainly=True):
            return counted
        # A high number may belong to a sequel, if there is one.
        if episode <= ONE_COUR or len(self._show.series()) == 1:
            return _UNCOUNTED
        return _UNCOUNTED_ON_AIR if self._show.ran_for(subject, episode) else _UNCOUNTED_LATE

    def _by_season(self, season: int, number: int) -> Iterator[Placement]:
        chain = self._show.chain("bangumi_data", season)
        if chain:
            yield from self._by_chain(chain, number, "bangumi_data")
        if season == SPECIALS_SEASON:
            return
        for source in ("bangumi_extlinker", "rensetsu_shows"):
            subject = self._show.only_one(source, season)
            if subject is None:
                continue
            is_in_first_part = number <= ONE_COUR and self._show.has_episode(subject, number)
            if is_in_first_part or self._show.has_episode(subject, number, certainly=True):
                yield Placement(subject, number, Method.SINGLE_SUBJECT, source, _SECONDARY_SINGLE)

    def _by_chain(self, chain: Sequence[int], number: int, source: str) -> Iterator[Placement]:
        episode, is_estimated = number, False
        for candidate in chain:
            subject = self._show.subjects[candidate]
            is_last = candidate == chain[-1]
            if is_last or (subject.episodes is not None and episode <= subject.episodes):
                if not self._show.has_episode(candidate, episode):
                    return
                if len(chain) == 1:
                    method = Method.SINGLE_SUBJECT
                    confidence = self._confidence(candidate, episode, _SINGLE)
                else:
                    method = Method.CUMULATIVE
                    confidence = self._confidence(candidate, episode, _CUMULATIVE)
                    if is_estimated:
                        confidence = min(confidence, _CUMULATIVE_ESTIMATED)
                    is_first_few = is_estimated and episode <= ESTIMATE_TOLERANCE
                    if is_first_few or (not is_last and _is_near_the_end(subject, episode)):
                        confidence = _CUMULATIVE_AT_AN_EDGE
                yield Placement(candidate, episode, method, source, confidence)
                return
            if subject.episodes is None:
                return
            is_estimated = is_estimated or subject.episodes_are_estimated
            episode -= subject.episodes

    def _by_redirect(self, base: int, number: int) -> Iterator[Placement]:
        for redirect in self._show.redirects.get(base, ()):
            if redirect.first <= number and (redirect.last is None or number <= redirect.last):
                episode = redirect.destination_first + number - redirect.first
                yield Placement(
                    redirect.destination.number,
                    episode,
                    Method.ABSOLUTE_NUMBER,
                    "anime_relations",
                    _REDIRECT,
                )

    def _by_show_number(
        self, series: Sequence[int], number: int, confidence: float
    ) -> Iterator[Placement]:
        for each in self._by_chain(series, number, "absolute number"):
            yield replace(each, method=Method.ABSOLUTE_NUMBER, confidence=confidence)


def _is_near_the_end(subject: Subject, episode: int) -> bool:
    """Say whether an episode may be past the end, if the number of episodes is a little wrong."""
    return (
        subject.episodes_are_estimated
        and subject.episodes is not None
        and episode > subject.episodes - ESTIMATE_TOLERANCE
    )


def _episode(link: Link, number: int) -> int:
    return (link.target_first or 1) + number - (link.first or 1)


def _placed(link: Link, number: int, method: Method, source: str, confidence: float) -> Placement:
    return Placement(
        link.target.number,
        _episode(link, number),
        method,
        source,
        _ANIME_SPECIAL if link.is_special else confidence,
        EpisodeType.SPECIAL if link.is_special else EpisodeType.MAIN,
    )
