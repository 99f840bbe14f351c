"""Jellyfin: the Webhook plugin, with a destination *Generic* or *Generic Form*.

The fields are those of its `DataObjectHelpers.cs` (https://github.com/jellyfin/jellyfin-plugin-webhook),
which "Send All Properties" sends, or a template with the same names.
"""

from collections.abc import Mapping

from sync_assets.bangumi.custom.models import Action, CustomEvent, Parsed
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.identifiers import works_in_path, works_of
from sync_assets.bangumi.custom.parsing.ranges import episode_numbers
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import WorkKind
from sync_assets.settings.bangumi import CustomSource

_ACTIONS: Mapping[str, Action] = {
    "PlaybackStart": Action.STARTED,
    "PlaybackStop": Action.WATCHED,
    "UserDataSaved": Action.WATCHED,
}
_REASONS = ("PlaybackFinished", "TogglePlayed")
"""Others, such as `PlaybackProgress`, come while it plays, also when it was seen before."""


def parse_jellyfin(payload: Fields) -> Parsed:
    """Read a payload of Jellyfin's Webhook plugin.

    Args:
        payload: The JSON object, or the form's fields.

    Raises:
        MalformedEventError: A play without a user, title or number.
    """
    event = payload.required_text("NotificationType")
    action = _ACTIONS.get(event)
    if action is None:
        return Parsed(ignored=f"the event {event}")
    if event == "PlaybackStop" and not payload.flag("PlayedToCompletion"):
        return Parsed(ignored="not played to its end")
    if event == "UserDataSaved":
        reason = payload.text("SaveReason")
        if reason not in _REASONS or not payload.flag("Played"):
            return Parsed(ignored=f"not marked as played ({reason})")
    kind = payload.required_text("ItemType").lower()
    if kind not in tuple(MediaType):
        return Parsed(ignored=f"a {kind}")
    user = _unescaped(payload.required_text("NotificationUsername", "Username"))
    items = [_film(payload, user)] if kind == MediaType.MOVIE else _episodes(payload, user)
    moment, path = payload.moment("UtcTimestamp"), payload.text("Path")
    return Parsed(tuple(CustomEvent(action, each, path=path, occurred_at=moment) for each in items))


def _episodes(payload: Fields, user: str) -> list[CustomItem]:
    title = _unescaped(payload.required_text("SeriesName"))
    return [
        CustomItem(
            MediaType.EPISODE,
            title,
            season=payload.number("SeasonNumber"),
            episode=number,
            release_date=payload.day("PremiereDate"),
            # `Provider_tmdb` and the others are ids of the episode.
            works=works_in_path(WorkKind.SHOW, payload.text("Path")),
            user=user,
            source=CustomSource.JELLYFIN,
        )
        for number in episode_numbers(
            payload.required_number("EpisodeNumber"), payload.number("EpisodeNumberEnd")
        )
    ]


def _film(payload: Fields, user: str) -> CustomItem:
    identified = works_of(
        WorkKind.MOVIE,
        tmdb=payload.text("Provider_tmdb"),
        tvdb=payload.text("Provider_tvdb"),
        imdb=payload.text("Provider_imdb"),
    )
    return CustomItem(
        MediaType.MOVIE,
        _unescaped(payload.required_text("Name")),
        release_date=payload.day("PremiereDate"),
        year=payload.number("Year"),
        works=identified or works_in_path(WorkKind.MOVIE, payload.text("Path")),
        user=user,
        source=CustomSource.JELLYFIN,
    )


def _unescaped(text: str) -> str:
    """Take away the backslashes that the plugin puts before quotes, also where it sends JSON."""
    return text.replace('\\"', '"')
