"""What the bearers of shares read: `/feeds/SECRET.xml` and `/lists/SECRET`, without a token."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from sync_assets.ledger.lifecycle import UnknownSubjectError
from sync_assets.ledger.types import AnyRow
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.watchlist.common import read
from sync_assets.watchlist import shares
from sync_assets.watchlist.models import ItemState, ShareKind
from sync_assets.watchlist.publishing import feed, new_episodes, shared_list

router = APIRouter(tags=["shares"])

Secret = Annotated[str, Path(max_length=100, description="The share's secret.")]
IfNoneMatch = Annotated[str, Header(max_length=1_000, description="What the reader has.")]

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (404, 422, 503)
}
HEADERS = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Robots-Tag": "noindex",
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "The reader has it already."}}


class SharedItem(BaseModel):
    """What somebody watches."""

    title: str
    poster_url: str | None
    synopsis: str
    genres: list[str]
    language: str | None
    status: ItemState
    expected_episodes: int | None
    episodes: int
    episodes_had: int


class SharedList(BaseModel):
    """All that somebody watches."""

    items: list[SharedItem]


@router.get(
    "/feeds/{secret}.xml",
    response_class=Response,
    responses={
        200: {"description": "RSS 2.0.", "content": {"application/rss+xml": {}}},
        **_UNCHANGED,
        **_ERRORS,
    },
)
async def read_feed(request: Request, secret: Secret, if_none_match: IfNoneMatch = "") -> Response:
    """Read new episodes with a feed reader."""

    def write(connection: Connection, owner: str) -> bytes:
        return feed(new_episodes(connection, owner), link=str(request.base_url))

    content = await _shared(request, ShareKind.FEED, secret, write)
    return _answer(content, "application/rss+xml", if_none_match)


@router.get(
    "/lists/{secret}",
    response_model=SharedList,
    responses={**_UNCHANGED, **_ERRORS},
)
async def read_list(request: Request, secret: Secret, if_none_match: IfNoneMatch = "") -> Response:
    """Read what somebody watches. Browsers get a page."""

    def write(connection: Connection, owner: str) -> bytes:
        listed = SharedList.model_validate({"items": shared_list(connection, owner)})
        return listed.model_dump_json().encode()

    content = await _shared(request, ShareKind.LIST, secret, write)
    return _answer(content, "application/json", if_none_match)


async def _shared(
    request: Request, kind: ShareKind, secret: str, write: Callable[[Connection, str], bytes]
) -> bytes:
    return await read(
        request, lambda connection: write(connection, share_of(connection, kind, secret).owner)
    )


def share_of(connection: Connection, kind: ShareKind, secret: str) -> AnyRow:
    """Return the share of a secret address.

    Args:
        connection: A transaction of the ledger.
        kind: What is to be read.
        secret: What the address holds.

    Raises:
        UnknownSubjectError: There is none, it is revoked, or of another kind.
    """
    share = shares.find(connection, kind, secret)
    if share is None:
        raise UnknownSubjectError(
            "There is nothing at this address.",
            remedy="Ask whoever gave it to you: it may be revoked.",
        )
    return share


def _answer(content: bytes, media_type: str, if_none_match: str) -> Response:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**HEADERS, "ETag": etag}
    known = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    if known & {etag, "*"}:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
