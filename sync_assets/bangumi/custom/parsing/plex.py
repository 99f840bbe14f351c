"""Plex: the JSON part `payload` of its webhooks.

https://support.plex.tv/articles/115002267687-webhooks/. `media.scrobble` comes when 90 % were
played. It needs a Plex Pass; Tautulli does without.
"""

from sync_assets.bangumi.custom.models import Action, CustomEvent, Parsed
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.identifiers import works_of, works_of_plex_guid
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import WorkKind
from sync_assets.settings.bangumi import CustomSource

_ACTIONS = {"media.scrobble": Action.WATCHED, "media.play": Action.STARTED}


def parse_plex(payload: Fields) -> Parsed:
    """Read a payload of Plex.

    Args:
        payload: The JSON.

    Raises:
        MalformedEventError: A play without a user, title or number.
    """
    event = payload.required_text("event")
    action = _ACTIONS.get(event)
    if action is None:
        return Parsed(ignored=f"the event {event}")
    metadata = payload.object("Metadata")
    kind = metadata.required_text("type")
    if kind not in tuple(MediaType):
        return Parsed(ignored=f"a {kind}")
    user = payload.object("Account").required_text("title")
    item = _film(metadata, user) if kind == MediaType.MOVIE else _episode(metadata, user)
    return Parsed((CustomEvent(action, item, metadata.text("librarySectionTitle")),))


def _episode(metadata: Fields, user: str) -> CustomItem:
    show = works_of_plex_guid(WorkKind.SHOW, metadata.text("grandparentGuid"))
    return CustomItem(
        MediaType.EPISODE,
        metadata.required_text("grandparentTitle"),
        original_title=metadata.text("originalTitle"),
        season=metadata.number("parentIndex"),
        episode=metadata.required_number("index"),
        release_date=metadata.day("originallyAvailableAt"),
        # Of these, `Guid` is about the episode alone.
        works=show or works_of_plex_guid(WorkKind.SHOW, metadata.text("guid")),
        user=user,
        source=CustomSource.PLEX,
    )


def _film(metadata: Fields, user: str) -> CustomItem:
    named = dict(
        each.partition("://")[::2] for guid in metadata.objects("Guid") if (each := guid.text("id"))
    )
    identified = works_of(
        WorkKind.MOVIE, tmdb=named.get("tmdb"), tvdb=named.get("tvdb"), imdb=named.get("imdb")
    )
    return CustomItem(
        MediaType.MOVIE,
        metadata.required_text("title"),
        original_title=metadata.text("originalTitle"),
        release_date=metadata.day("originallyAvailableAt"),
        year=metadata.number("year"),
        works=identified or works_of_plex_guid(WorkKind.MOVIE, metadata.text("guid")),
        user=user,
        source=CustomSource.PLEX,
    )
