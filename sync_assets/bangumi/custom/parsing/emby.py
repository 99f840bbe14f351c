"""Emby: its webhooks, as JSON or, before 4.9, as the part `data` of a form.

`item.markplayed` comes for what is marked by hand only, not for what was played to its end; that is
`playback.stop` with `PlayedToCompletion`.
"""

from sync_assets.bangumi.custom.models import Action, CustomEvent, Parsed
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.identifiers import works_in_path, works_of
from sync_assets.bangumi.custom.parsing.ranges import episode_numbers
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import WorkKind
from sync_assets.settings.bangumi import CustomSource

_ACTIONS = {
    "playback.start": Action.STARTED,
    "playback.stop": Action.WATCHED,
    "item.markplayed": Action.WATCHED,
}


def parse_emby(payload: Fields) -> Parsed:
    """Read a payload of Emby.

    Args:
        payload: The JSON.

    Raises:
        MalformedEventError: A play without a user, title or number.
    """
    event = payload.required_text("Event")
    action = _ACTIONS.get(event)
    if action is None:
        return Parsed(ignored=f"the event {event}")
    if event == "playback.stop" and not payload.object("PlaybackInfo").flag("PlayedToCompletion"):
        return Parsed(ignored="not played to its end")
    item = payload.object("Item")
    kind = item.required_text("Type").lower()
    if kind not in tuple(MediaType):
        return Parsed(ignored=f"a {kind}")
    user = payload.object("User").required_text("Name")
    items = [_film(item, user)] if kind == MediaType.MOVIE else _episodes(item, user)
    moment, path = payload.moment("Date"), item.text("Path")
    return Parsed(tuple(CustomEvent(action, each, path=path, occurred_at=moment) for each in items))


def _episodes(item: Fields, user: str) -> list[CustomItem]:
    title = item.required_text("SeriesName")
    return [
        CustomItem(
            MediaType.EPISODE,
            title,
            season=item.number("ParentIndexNumber"),
            episode=number,
            # Midnight of the server's zone in UTC, so it may be the day before.
            release_date=item.day("PremiereDate"),
            works=works_in_path(WorkKind.SHOW, item.text("Path")),
            user=user,
            source=CustomSource.EMBY,
        )
        for number in episode_numbers(
            item.required_number("IndexNumber"), item.number("IndexNumberEnd")
        )
    ]


def _film(item: Fields, user: str) -> CustomItem:
    identifiers = item.object("ProviderIds")
    identified = works_of(
        WorkKind.MOVIE,
        tmdb=identifiers.text("Tmdb"),
        tvdb=identifiers.text("Tvdb"),
        imdb=identifiers.text("Imdb"),
    )
    return CustomItem(
        MediaType.MOVIE,
        item.required_text("Name"),
        original_title=item.text("OriginalTitle"),
        release_date=item.day("PremiereDate"),
        year=item.number("ProductionYear"),
        works=identified or works_in_path(WorkKind.MOVIE, item.text("Path")),
        user=user,
        source=CustomSource.EMBY,
    )
