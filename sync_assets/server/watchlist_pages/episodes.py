"""An episode: its releases, and what its item's owner wants of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse, Response

from sync_assets.ledger.types import AnyRow, decimal_text
from sync_assets.server.pages import PageUser, fragment, page
from sync_assets.server.watchlist import episodes as episodes_api
from sync_assets.server.watchlist.answers import EpisodeAnswer
from sync_assets.server.watchlist.common import EpisodeId, ItemId, read
from sync_assets.server.watchlist_pages.common import ADDRESS, EPISODE, back, done, is_htmx
from sync_assets.server.watchlist_pages.items import view_of
from sync_assets.server.watchlist_pages.views import TEXTS, EpisodeView
from sync_assets.watchlist import episodes, releases
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

router = APIRouter(prefix=ADDRESS)


@dataclass(frozen=True)
class ReleaseView:
    """A release, without its link, which may be secret.

    Attributes:
        name: The release name.
        resolution: Lines of the picture.
        group: Who made it.
        language: What it can be watched in.
        version: Of the release.
        size_bytes: Its size.
        last_number: Of a batch, its last number.
        needs_review: Whether its number is doubtful.
        published_at: When it appeared.
        failure: Why it could not be had.
        is_chosen: Whether it is the one that is or was downloaded.
    """

    name: str
    resolution: int | None
    group: str | None
    language: str | None
    version: int
    size_bytes: int | None
    last_number: str | None
    needs_review: bool
    published_at: datetime | None
    failure: str | None
    is_chosen: bool


@router.get(EPISODE)
async def show_releases(
    request: Request, user: PageUser, item_id: ItemId, episode_id: EpisodeId
) -> HTMLResponse:
    """Show the releases of an episode: as a part of its item's page, or as a page."""

    def found(connection: Connection) -> tuple[EpisodeView, Sequence[ReleaseView]]:
        row = episodes.owned(connection, user.user, item_id, episode_id)
        number = EpisodeNumber(row.season, row.number, EpisodeKind(row.kind))
        offered = releases.of_episode(connection, item_id, number, with_batches=True)
        view = EpisodeView(EpisodeAnswer.of(row), item_id)
        return view, [_release(row, each) for each in reversed(offered)]

    episode, offered = await read(request, found)
    values: dict[str, Any] = {"episode": episode, "releases": offered, "texts": TEXTS}
    if is_htmx(request):
        return fragment("watchlist/releases.html", **values)
    view = await view_of(request, user.user, item_id)
    return page(request, "watchlist/episode.html", view=view, **values)


@router.post(f"{EPISODE}/want")
async def want(
    request: Request, user: PageUser, item_id: ItemId, episode_id: EpisodeId
) -> Response:
    """Download an episode."""
    answer = await episodes_api.want_episode(request, user, item_id, episode_id)
    return await _changed(request, EpisodeView(answer, item_id), "will be downloaded")


@router.post(f"{EPISODE}/retry")
async def retry(
    request: Request, user: PageUser, item_id: ItemId, episode_id: EpisodeId
) -> Response:
    """Try an episode again that failed."""
    answer = await episodes_api.retry_episode(request, user, item_id, episode_id)
    return await _changed(request, EpisodeView(answer, item_id), "will be tried again")


@router.post(f"{EPISODE}/skip")
async def skip(
    request: Request, user: PageUser, item_id: ItemId, episode_id: EpisodeId
) -> Response:
    """Never download an episode."""
    answer = await episodes_api.skip_episode(request, user, item_id, episode_id)
    return await _changed(request, EpisodeView(answer, item_id), "will not be downloaded")


async def _changed(request: Request, episode: EpisodeView, what: str) -> Response:
    message = f"{episode.name} {what}."
    if is_htmx(request):
        return done("watchlist/episode_changed.html", message, episode=episode, texts=TEXTS)
    return await back(request, message, otherwise=f"{ADDRESS}/{episode.item_id}")


def _release(episode: AnyRow, row: AnyRow) -> ReleaseView:
    is_batch = row.last_number is not None and row.last_number != row.number
    return ReleaseView(
        row.name,
        row.resolution,
        row.release_group,
        row.language,
        row.version,
        row.size_bytes,
        decimal_text(row.last_number) if is_batch else None,
        row.needs_review,
        row.published_at,
        row.failure_reason if row.failed_at is not None else None,
        row.id == episode.release_id,
    )
