"""Ids of shows and films, from where media servers hide them.

An episode's own ids lead nowhere: the mapping sources know shows and films, and a show of the same
number at TMDB is another one. So they are never taken for the show's.
"""

import re

from sync_assets.catalog.models import Provider, Work, WorkKind

_FORMS = {
    Provider.TMDB: re.compile(r"[1-9]\d{0,9}"),
    Provider.TVDB: re.compile(r"[1-9]\d{0,9}"),
    Provider.TRAKT: re.compile(r"[1-9]\d{0,9}"),
    Provider.IMDB: re.compile(r"tt\d{5,10}"),
}
_IN_PATH = re.compile(r"[\[{](tmdb|tvdb|imdb)(?:id)?[-=]([a-z0-9]+)[\]}]", re.IGNORECASE)
_LEGACY_AGENT = re.compile(
    r"com\.plexapp\.agents\.(?:(?P<agent>themoviedb|thetvdb|imdb)://(?P<id>[a-z0-9]+)"
    r"|hama://(?P<hama>tvdb|tmdb|imdb)-(?P<hama_id>[a-z0-9]+))(?=[/?]|$)"
)
_OF_AGENT = {
    "themoviedb": Provider.TMDB,
    "thetvdb": Provider.TVDB,
    "imdb": Provider.IMDB,
    "tmdb": Provider.TMDB,
    "tvdb": Provider.TVDB,
}


def works_of(kind: WorkKind, **identifiers: str | None) -> tuple[Work, ...]:
    """Return the ids that have the form of one.

    Args:
        kind: What they identify.
        **identifiers: The ids by their providers' names.
    """
    found = []
    for name, identifier in identifiers.items():
        provider = Provider(name)
        if identifier is not None and _FORMS[provider].fullmatch(identifier):
            found.append(Work(provider, kind, identifier))
    return tuple(found)


def works_in_path(kind: WorkKind, path: str | None) -> tuple[Work, ...]:
    """Return the ids in the names of a file's folders, such as `Title (2026) [tmdbid-100]`.

    Jellyfin (https://jellyfin.org/docs/general/server/metadata/identifiers), Emby and Plex
    (`{tmdb-100}`) read them there. A file's own name counts for films only: an episode's may
    hold the id of the episode.

    Args:
        kind: What is in the file: an episode of a show, or a film.
        path: The file's path; None where it is not known.
    """
    parts = re.split(r"[/\\]", path or "")
    if kind is WorkKind.SHOW:
        parts.pop()
    # Of nested folders the innermost is the most exact.
    named = {
        name.lower(): identifier for part in parts for name, identifier in _IN_PATH.findall(part)
    }
    return works_of(kind, **named)


def works_of_plex_guid(kind: WorkKind, guid: str | None) -> tuple[Work, ...]:
    """Return the id in the address of one of Plex's older agents, or of the HAMA agent.

    These name the show, and after it season and episode: `com.plexapp.agents.thetvdb://200/1/2`.

    Args:
        kind: What is played: an episode of a show, or a film.
        guid: The address.
    """
    found = _LEGACY_AGENT.match(guid or "")
    if found is None:
        return ()
    agent = found["agent"] or found["hama"]
    return works_of(kind, **{_OF_AGENT[agent].value: found["id"] or found["hama_id"]})
