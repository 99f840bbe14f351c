"""Read the events of media servers: a module for each, pure functions of their payloads."""

from collections.abc import Callable, Mapping
from typing import Any

from sync_assets.bangumi.custom.models import MalformedEventError, Parsed
from sync_assets.bangumi.custom.parsing.emby import parse_emby
from sync_assets.bangumi.custom.parsing.fields import Fields
from sync_assets.bangumi.custom.parsing.jellyfin import parse_jellyfin
from sync_assets.bangumi.custom.parsing.own import parse_own
from sync_assets.bangumi.custom.parsing.plex import parse_plex
from sync_assets.bangumi.custom.parsing.tautulli import parse_tautulli
from sync_assets.ledger.inbox import UNPARSED
from sync_assets.settings.bangumi import CustomSource

_PARSERS: Mapping[CustomSource, Callable[[Fields], Parsed]] = {
    CustomSource.PLEX: parse_plex,
    CustomSource.EMBY: parse_emby,
    CustomSource.JELLYFIN: parse_jellyfin,
    CustomSource.TAUTULLI: parse_tautulli,
    CustomSource.CUSTOM: parse_own,
}


def parse_event(source: CustomSource, payload: Mapping[str, Any]) -> Parsed:
    """Read an event of the inbox.

    Args:
        source: Who sent it.
        payload: What was stored.

    Returns:
        What was watched, or why it is of no concern.

    Raises:
        MalformedEventError: It cannot be understood.
    """
    if UNPARSED in payload:
        raise MalformedEventError(str(payload.get("problem", "The body could not be parsed.")))
    return _PARSERS[source](Fields(payload))
