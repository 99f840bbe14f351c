"""Programs of one's own: what `POST /api/v1/custom` has stored.

The server has checked the fields already. They are read here as leniently as others, since the
inbox may hold events that an earlier version has stored.
"""

from sync_assets.bangumi.custom.models import Action, CustomEvent, MalformedEventError, Parsed
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.identifiers import works_of
from sync_assets.bangumi.matching.models import CustomItem, MediaType
from sync_assets.catalog.models import WorkKind
from sync_assets.settings.bangumi import CustomSource


def parse_own(payload: Fields) -> Parsed:
    """Read an item.

    Args:
        payload: The JSON.

    Raises:
        MalformedEventError: It has no user, title or number, or an unknown kind or action.
    """
    kind, action = payload.required_text("media_type"), payload.required_text("action")
    if kind not in tuple(MediaType) or action not in tuple(Action):
        message = f"The event has an unknown media_type or action: {kind}, {action}."
        raise MalformedEventError(message)
    is_film = kind == MediaType.MOVIE
    ids = payload.object("ids")
    item = CustomItem(
        MediaType(kind),
        payload.required_text("title"),
        original_title=payload.text("original_title"),
        season=None if is_film else payload.number("season"),
        episode=None if is_film else payload.required_number("episode"),
        release_date=payload.day("release_date"),
        year=payload.number("year"),
        works=works_of(
            WorkKind.MOVIE if is_film else WorkKind.SHOW,
            tmdb=ids.text("tmdb"),
            tvdb=ids.text("tvdb"),
            imdb=ids.text("imdb"),
            trakt=ids.text("trakt"),
        ),
        user=payload.required_text("user"),
        source=payload.text("source") or CustomSource.CUSTOM,
    )
    event = CustomEvent(
        Action(action),
        item,
        payload.text("library"),
        occurred_at=payload.moment("watched_at"),
    )
    return Parsed((event,))
