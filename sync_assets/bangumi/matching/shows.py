"""Look a show up in the catalogue once, for all its episodes."""

from collections.abc import Iterable

from sync_assets.bangumi.matching.show_links import ShowLinks
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Work, WorkKind

_LIKE_TMDB = (Provider.TMDB, Provider.TRAKT)


def numbering_of(works: Iterable[Work]) -> Provider:
    """Return whose numbering items with these ids have.

    Trakt numbers like TMDB. Media servers that know only TheTVDB's id number like TheTVDB.
    """
    providers = {work.provider for work in works}
    if Provider.TVDB in providers and not providers.intersection(_LIKE_TMDB):
        return Provider.TVDB
    return Provider.TMDB


def look_up_show(index: CatalogIndex, works: Iterable[Work]) -> ShowLinks | None:
    """Gather what the catalogue knows of a show.

    Args:
        index: The catalogue.
        works: The show's ids. Where TMDB's is not among them, it is found through the others.

    Returns:
        The show, or None where no source knows it.
    """
    shows = [work for work in works if work.kind is WorkKind.SHOW]
    links = index.links(shows)
    if not links:
        return None
    if not any(work.provider in _LIKE_TMDB for work in shows):
        others = {
            work
            for each in links
            for work in index.works_of(each.link.target.number)
            if (work.provider, work.kind) == (Provider.TMDB, WorkKind.SHOW)
        }
        if len(others) == 1:
            links += index.links(others)
    subjects = index.subjects({each.link.target.number for each in links})
    redirects = index.redirects(subjects)
    subjects |= index.subjects({each.destination.number for each in redirects} - subjects.keys())
    return ShowLinks(links, subjects, redirects)
