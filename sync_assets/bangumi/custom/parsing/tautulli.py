r"""Tautulli: its notification agent *Webhook*, with the JSON of docs/media-servers.md.

The fields have the names of Tautulli's own parameters. Those with ids are about the show, also for
an episode (`notification_handler.py` takes them from `grandparent_guids`).
"""

from sync_assets.bangumi.custom.models import Action, CustomEvent, Parsed
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.identifiers import works_of
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import WorkKind
from sync_assets.settings.bangumi import CustomSource

_ACTIONS = {"watched": Action.WATCHED, "play": Action.STARTED}


def parse_tautulli(payload: Fields) -> Parsed:
    """Read a payload of Tautulli.

    Args:
        payload: The JSON.

    Raises:
        MalformedEventError: A play without a user, title or number.
    """
    event = payload.required_text("action")
    action = _ACTIONS.get(event)
    if action is None:
        return Parsed(ignored=f"the event {event}")
    kind = payload.required_text("media_type")
    if kind not in tuple(MediaType):
        return Parsed(ignored=f"a {kind}")
    is_film = kind == MediaType.MOVIE
    item = CustomItem(
        MediaType(kind),
        payload.required_text("title" if is_film else "show_name"),
        original_title=payload.text("original_title"),
        season=None if is_film else payload.number("season_num"),
        episode=None if is_film else payload.required_number("episode_num"),
        release_date=payload.day("release_date" if is_film else "air_date"),
        year=payload.number("year") if is_film else None,
        works=works_of(
            WorkKind.MOVIE if is_film else WorkKind.SHOW,
            tmdb=payload.text("themoviedb_id"),
            tvdb=payload.text("thetvdb_id"),
            imdb=payload.text("imdb_id"),
        ),
        user=payload.required_text("username", "user"),
        source=CustomSource.TAUTULLI,
    )
    event = CustomEvent(
        action, item, payload.text("library_name"), occurred_at=payload.moment("unixtime")
    )
    return Parsed((event,))
