"""Put what all sources say together: every link leads to a Bangumi subject and names its source.

Sources contradict each other. Where two give a subject different ids of the same kind, the one
that comes first in `IDENTITY_SOURCES` is believed: bangumi-data has ids of neighbouring cours
swapped in places where BangumiExtLinker has them right.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sync_assets.catalog.models import (
    Link,
    Namespace,
    Redirect,
    SourceContent,
    Subject,
    SubjectKind,
    Target,
)

IDENTITY_SOURCES = ("bangumi_extlinker", "bangumi_data")

_LONGEST_INTERVAL = 6
"""Weeks between two episodes of a series: monthly is the least, with a break."""


@dataclass(frozen=True, slots=True)
class SourcedLink:
    """A link to a Bangumi subject, and who says so.

    Attributes:
        link: The link; its target is a Bangumi subject.
        source: The source.
    """

    link: Link
    source: str


@dataclass(slots=True)
class Compiled:
    """The catalogue.

    Attributes:
        subjects: All subjects by number.
        links: All links.
        redirects: Where numbers past the end of a subject lead.
        unresolved: How many links lead to no subject that is known.
    """

    subjects: dict[int, Subject] = field(default_factory=dict)
    links: list[SourcedLink] = field(default_factory=list)
    redirects: list[Redirect] = field(default_factory=list)
    unresolved: int = 0


def compile_catalog(contents: Mapping[str, SourceContent]) -> Compiled:
    """Compile the catalogue.

    Args:
        contents: What each source says, by the source's name.

    Returns:
        The catalogue.
    """
    resolver = _Resolver(contents)
    result = Compiled(subjects=_merged_subjects(contents))
    for target, count in _counts(contents).items():
        numbers = resolver.subjects_of(target)
        # An anime that Bangumi has as several subjects says nothing about each of them.
        subject = result.subjects.get(numbers[0]) if len(numbers) == 1 else None
        if subject is not None and _is_credible(count, subject):
            result.subjects[subject.number] = replace(
                subject, episodes=count, episodes_are_estimated=False
            )
    for source, content in contents.items():
        for link in content.links:
            numbers = resolver.subjects_of(link.target)
            result.unresolved += not numbers
            result.links.extend(
                SourcedLink(each, source) for each in _links_to(link, numbers, result.subjects)
            )
        for redirect in content.redirects:
            own = resolver.subjects_of(redirect.target)
            destination = resolver.subjects_of(redirect.destination)
            if len(own) == len(destination) == 1 and own != destination:
                result.redirects.append(
                    redirect._replace(
                        target=Target(Namespace.BANGUMI, own[0]),
                        destination=Target(Namespace.BANGUMI, destination[0]),
                    )
                )
    result.links = list(dict.fromkeys(result.links))
    result.redirects = list(dict.fromkeys(result.redirects))
    return result


def _links_to(link: Link, numbers: tuple[int, ...], subjects: Mapping[int, Subject]) -> list[Link]:
    """Lead a link to its subject; where there are several, all that is sure is the show."""
    found = [link._replace(target=Target(Namespace.BANGUMI, number)) for number in numbers]
    if len(found) <= 1:
        return found
    main = [
        number
        for number in numbers
        if number in subjects and subjects[number].kind in (SubjectKind.TV, SubjectKind.WEB)
    ]
    if len(main) == 1:
        return [link._replace(target=Target(Namespace.BANGUMI, main[0]))]
    return [each._replace(first=None, last=None, target_first=None) for each in found]


def _counts(contents: Mapping[str, SourceContent]) -> dict[Target, int]:
    return {
        target: count
        for content in contents.values()
        for target, count in content.episode_counts.items()
    }


def _is_credible(count: int, subject: Subject) -> bool:
    """Doubt a count that is far too low for the days of a series: it is that of a film.

    bangumi-data has AniList's id of a film for some series.
    """
    if subject.kind is not SubjectKind.TV or subject.begin is None or subject.end is None:
        return True
    return count * _LONGEST_INTERVAL >= (subject.end - subject.begin).days / 7


def _merged_subjects(contents: Mapping[str, SourceContent]) -> dict[int, Subject]:
    """Merge the sources' subjects; the better known day and kind win, titles add up."""
    merged: dict[int, Subject] = {}
    for content in contents.values():
        for subject in content.subjects:
            known = merged.get(subject.number)
            merged[subject.number] = subject if known is None else _merge(known, subject)
    return merged


def _merge(one: Subject, other: Subject) -> Subject:
    better, worse = (one, other) if one.begin_is_exact >= other.begin_is_exact else (other, one)
    return replace(
        better,
        titles=tuple(dict.fromkeys(better.titles + worse.titles)),
        kind=worse.kind if better.kind is SubjectKind.UNKNOWN else better.kind,
        name_cn=better.name_cn or worse.name_cn,
        begin=better.begin or worse.begin,
        end=better.end or worse.end,
        episodes=better.episodes or worse.episodes,
    )


class _Resolver:
    """Finds the Bangumi subjects that another site's number means."""

    def __init__(self, contents: Mapping[str, SourceContent]) -> None:
        self._subjects: dict[Target, tuple[int, ...]] = {}
        self._mal_of_anilist: dict[Target, set[Target]] = defaultdict(set)
        stated: dict[tuple[int, Namespace], str] = {}
        found: dict[Target, list[int]] = defaultdict(list)
        for source in IDENTITY_SOURCES:
            if source not in contents:
                continue
            for one, other in contents[source].identities:
                key = (one.number, other.namespace)
                if stated.setdefault(key, source) == source:
                    found[other].append(one.number)
        for target, numbers in found.items():
            self._subjects[target] = tuple(sorted(set(numbers)))
        for name, content in contents.items():
            if name in IDENTITY_SOURCES:
                continue
            for one, other in content.identities:
                if (one.namespace, other.namespace) == (Namespace.ANILIST, Namespace.MAL):
                    self._mal_of_anilist[one].add(other)

    def subjects_of(self, target: Target) -> tuple[int, ...]:
        if target.namespace is Namespace.BANGUMI:
            return (target.number,)
        # MyAnimeList's numbers are confirmed by two sources, AniList's come from one.
        equal = self._mal_of_anilist.get(target, ())
        if len(equal) == 1:
            numbers = self._subjects.get(next(iter(equal)))
            if numbers:
                return numbers
        return self._subjects.get(target, ())
