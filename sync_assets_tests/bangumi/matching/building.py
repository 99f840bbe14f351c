"""Build small catalogues and items, and a search, for the tests."""

from datetime import date, timedelta

from sync_assets.bangumi.matching import MatchingRules, MediaType, Overrides, WatchedItem
from sync_assets.bangumi.matching.matcher import Matcher
from sync_assets.catalog.compiling import Compiled, SourcedLink
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.index_writing import write_index
from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    Redirect,
    Subject,
    SubjectKind,
    Target,
    Work,
    WorkKind,
)

SHOW = Work(Provider.TMDB, WorkKind.SHOW, "100")
TVDB = Work(Provider.TVDB, WorkKind.SHOW, "200")
FILM = Work(Provider.TMDB, WorkKind.MOVIE, "500")


class Catalogue:
    """A catalogue that is built step by step."""

    def __init__(self, path):
        self._path = path
        self._compiled = Compiled()
        self._index = None

    def subject(self, number, name="", *, episodes=None, kind=SubjectKind.TV, begin=None, end=None,
                estimated=False, titles=(), name_cn=""):  # fmt: skip
        self.close()
        if begin is not None and end is None and episodes is not None:
            end = begin + timedelta(weeks=episodes - 1)
        self._compiled.subjects[number] = Subject(
            number,
            name or f"Subject {number}",
            (name or f"Subject {number}", *titles),
            kind,
            begin,
            begin is not None,
            end,
            episodes,
            estimated,
            name_cn,
        )
        return self

    def link(self, source, number, work=SHOW, *, season=None, first=None, last=None,
             target_first=None, special=False):  # fmt: skip
        self.close()
        target = Target(Namespace.BANGUMI, number)
        if first is not None and target_first is None:
            target_first = 1
        link = Link(target, work, season, first, last, target_first, special)
        self._compiled.links.append(SourcedLink(link, source))
        return self

    def redirect(self, number, first, last, destination):
        own, other = (Target(Namespace.BANGUMI, each) for each in (number, destination))
        self._compiled.redirects.append(Redirect(own, first, last, other, 1))
        return self

    @property
    def index(self):
        if self._index is None:
            write_index(self._path, self._compiled, [])
            self._index = CatalogIndex(self._path)
        return self._index

    def close(self):
        """Close the index; the next match compiles it anew."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def matcher(self, *, search=None, overrides=None, **rules):
        return Matcher(self.index, overrides or Overrides(), search, MatchingRules(**rules))

    def match(self, item, **options):
        return self.matcher(**options).match(item)


class Search:
    """Bangumi's search with fixed answers, which remembers what it was asked."""

    def __init__(self, *hits, error=None):
        self._hits = hits
        self._error = error
        self.asked = []

    def search(self, keyword, *, begin, end):
        self.asked.append((keyword, begin, end))
        if self._error is not None:
            raise self._error
        return self._hits


def episode(season, number, *, works=(SHOW,), title="Star Kettle", **fields):
    if isinstance(fields.get("release_date"), str):
        fields["release_date"] = date.fromisoformat(fields["release_date"])
    return WatchedItem(
        f"{season}-{number}",
        MediaType.EPISODE,
        title,
        works,
        season=season,
        number=number,
        source="trakt",
        **fields,
    )


def film(*, works=(FILM,), title="Star Kettle the Movie", **fields):
    if isinstance(fields.get("release_date"), str):
        fields["release_date"] = date.fromisoformat(fields["release_date"])
    return WatchedItem("film", MediaType.MOVIE, title, works, source="trakt", **fields)


def place(match):
    """The part of a match that counts."""
    return match.status.value, match.subject, match.episode
