"""Episodes of an item: list them, and say what is wanted of one."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from sqlalchemy import Connection

from sync_assets.ledger.types import AnyRow
from sync_assets.server.watchlist.answers import EpisodeAnswer
from sync_assets.server.watchlist.common import (
    PREFIX,
    TAGS,
    EpisodeId,
    ItemId,
    User,
    errors,
    read,
    write,
)
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.store import episode_wishes, episodes, items

router = APIRouter(prefix=f"{PREFIX}/{{item_id}}/episodes", tags=TAGS)

LARGEST_OFFSET = 1_000_000


class EpisodePage(BaseModel):
    """A page of an item's episodes, by season and number."""

    episodes: list[EpisodeAnswer]
    total: int
    limit: int
    offset: int


@router.get("", responses=errors(404))
async def list_episodes(  # noqa: PLR0913 - each is a parameter of the query
    request: Request,
    user: User,
    item_id: ItemId,
    *,
    state: Annotated[
        list[EpisodeState] | None, Query(max_length=10, description="Only in these states.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="1 to 1000.")] = 200,
    offset: Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="0 to 1000000.")] = 0,
) -> EpisodePage:
    """List the episodes of an item."""

    def listed(connection: Connection) -> EpisodePage:
        items.owned(connection, user.user, item_id)
        rows = [
            row for row in episodes.of_item(connection, item_id) if not state or row.state in state
        ]
        page = [EpisodeAnswer.of(row) for row in rows[offset : offset + limit]]
        return EpisodePage(episodes=page, total=len(rows), limit=limit, offset=offset)

    return await read(request, listed)


@router.post("/{episode_id}/want", responses=errors(404, 409))
async def want_episode(
    request: Request, user: User, item_id: ItemId, episode_id: EpisodeId
) -> EpisodeAnswer:
    """Download an episode, also one that was skipped or that is had from elsewhere."""
    return await _wish(request, user, item_id, episode_id, episode_wishes.want)


@router.post("/{episode_id}/retry", responses=errors(404, 409))
async def retry_episode(
    request: Request, user: User, item_id: ItemId, episode_id: EpisodeId
) -> EpisodeAnswer:
    """Try an episode again that failed."""
    return await _wish(request, user, item_id, episode_id, episode_wishes.retry)


@router.post("/{episode_id}/skip", responses=errors(404, 409))
async def skip_episode(
    request: Request, user: User, item_id: ItemId, episode_id: EpisodeId
) -> EpisodeAnswer:
    """Never download an episode. One that is being downloaded is to be cancelled there first."""
    return await _wish(request, user, item_id, episode_id, episode_wishes.skip)


async def _wish(
    request: Request,
    user: User,
    item_id: int,
    episode_id: int,
    wish: Callable[[Connection, AnyRow], AnyRow],
) -> EpisodeAnswer:
    def change(connection: Connection) -> EpisodeAnswer:
        row = episodes.owned(connection, user.user, item_id, episode_id)
        return EpisodeAnswer.of(wish(connection, row))

    return await write(request, change)
