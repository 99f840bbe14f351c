"""What the bearers of shares read: a feed of new episodes, and the list of what is watched.

Nothing here tells an address of a provider, which may be secret, nor who the owner is.
"""

import re
from collections.abc import Sequence
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import Connection, select

from sync_assets.ledger.schema import watchlist_episodes, watchlist_items
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.numbering import episode_text
from sync_assets.watchlist.searching import of_owner, with_counts
from sync_assets.watchlist.titles import EpisodeKind

MOST_EPISODES = 100
_NEW = frozenset(EpisodeState) - {EpisodeState.EXPECTED, EpisodeState.SKIPPED, EpisodeState.HAD}
_GOT = frozenset({EpisodeState.DOWNLOADED, EpisodeState.HAD})
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def new_episodes(connection: Connection, owner: str) -> Sequence[AnyRow]:
    """Return a user's newest episodes with their items' titles, the newest first.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    episodes, items = watchlist_episodes.c, watchlist_items.c
    query = (
        select(watchlist_episodes, items.title.label("item_title"))
        .join(watchlist_items, items.id == episodes.item_id)
        .where(episodes.owner == owner, episodes.state.in_(_NEW))
        .order_by(episodes.first_seen_at.desc(), episodes.id.desc())
        .limit(MOST_EPISODES)
    )
    return connection.execute(query).all()


def feed(episodes: Sequence[AnyRow], *, link: str) -> bytes:
    """Write episodes as RSS 2.0 (https://www.rssboard.org/rss-specification).

    The same episodes give the same bytes, so that readers need not fetch them again.

    Args:
        episodes: As `new_episodes` gives them.
        link: The address of this program's pages.
    """
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", "New episodes")
    _add(channel, "link", link)
    _add(channel, "description", "New episodes of what is watched.")
    if episodes:
        _add(channel, "lastBuildDate", format_datetime(episodes[0].first_seen_at))
    for episode in episodes:
        item = ET.SubElement(channel, "item")
        _add(item, "title", heading(episode))
        _add(item, "guid", f"watchlist-episode-{episode.id}").set("isPermaLink", "false")
        _add(item, "pubDate", format_datetime(episode.first_seen_at))
        _add(item, "category", episode.item_title)
        _add(item, "description", _description(episode))
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def heading(episode: AnyRow) -> str:
    """Return what an episode is called, with its series: `Show S02E12.5: The Beginning`.

    Args:
        episode: A row of `new_episodes`.
    """
    named = episode.item_title
    if episode.number is not None or episode.kind != EpisodeKind.REGULAR:
        named += f" {episode_text(episode.season, episode.number, episode.kind)}"
    return f"{named}: {episode.title}" if episode.title else named


def shared_list(connection: Connection, owner: str) -> list[dict[str, Any]]:
    """Return what a user watches, for others.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    return [
        {
            "title": found.row.title,
            "poster_url": found.row.poster_url,
            "synopsis": found.row.synopsis,
            "genres": found.row.genres,
            "language": found.row.language,
            "status": found.row.state,
            "expected_episodes": found.row.expected_episodes,
            "episodes": sum(found.episodes.values()),
            "episodes_had": sum(found.episodes.get(state, 0) for state in _GOT),
        }
        for found in with_counts(connection, of_owner(connection, owner))
    ]


def _add(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = _NOT_XML.sub("", text)
    return element


def _description(episode: AnyRow) -> str:
    lines = [f"State: {episode.state}."]
    if episode.resolution:
        lines.append(f"Resolution: {episode.resolution}p.")
    if episode.airs_at is not None:
        lines.append(f"Aired: {episode.airs_at:%Y-%m-%d}.")
    return " ".join(lines)
