"""`POST /api/media`: want links and torrents to be relayed."""

import asyncio
import base64
import binascii
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from sync_assets.addresses import AddressError, AddressGuard
from sync_assets.guards import guard_of_links
from sync_assets.ledger.tokens import Scope, Token
from sync_assets.relay import enqueue
from sync_assets.relay.links import LinkError, parse_link
from sync_assets.relay.listing import get_medium
from sync_assets.relay.models import API_SOURCE, DownloadKind
from sync_assets.relay.torrents import TorrentError
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError, ErrorAnswer, InvalidRequestError
from sync_assets.server.security import RequireScope
from sync_assets.server.transfers.acting import ERRORS, NotPossibleError, record, write
from sync_assets.server.transfers.answers import MediumAnswer
from sync_assets.server.transfers.media import answers_of
from sync_assets.server.transfers.paging import LARGEST_ID

router = APIRouter(prefix="/api/media", tags=["transfers"])

LARGEST_BATCH = 100

UserToken = Annotated[Token, Depends(RequireScope(Scope.USER))]
Key = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Target = Annotated[str, Field(max_length=64)]


class MediaOrder(BaseModel):
    """Something to relay: a link, or a torrent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"link": "https://example.org/films/A%20Film%20(1999).mkv"},
                {
                    "link": "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a",
                    "name": "A Show - 12.mkv",
                    "key": "show 7, episode 12",
                    "targets": ["onedrive"],
                },
            ]
        },
    )

    link: str | None = Field(
        default=None,
        max_length=8_192,
        description="An http, https or magnet link, or the address of a .torrent file.",
    )
    torrent: str | None = Field(
        default=None, description="The content of a .torrent file in Base64, instead of a link."
    )
    key: Key | None = Field(
        default=None,
        description="What makes it the same thing when it comes again, also with another link. "
        "Without it: the link, or the torrent.",
    )
    name: Name | None = Field(
        default=None, description="What to call the file; without it, as the link does."
    )
    mime: str | None = Field(
        default=None,
        max_length=127,
        pattern=r"^[\w.+-]+/[\w.+-]+$",
        description="Its type, if known; another one is not accepted then.",
    )
    size_bytes: int | None = Field(
        default=None, ge=0, le=LARGEST_ID, description="Its size, if known; as above."
    )
    checksum: str | None = Field(
        default=None, pattern=r"^sha-256=[0-9a-f]{64}$", description="Its checksum, if known."
    )
    targets: list[Target] | None = Field(
        default=None, max_length=20, description="Its upload targets; null for the configured ones."
    )

    @model_validator(mode="after")
    def _has_one_source(self) -> "MediaOrder":
        if (self.link is None) == (self.torrent is None):
            message = "give either a link or a torrent"
            raise ValueError(message)
        return self


class MediaReceipt(BaseModel):
    """The medium is in the ledger."""

    is_new: bool = Field(description="Whether it was not known before.")
    download_id: int = Field(description="Its newest download.")
    medium: MediumAnswer


class MediaOrders(BaseModel):
    """Several things to relay; each for itself."""

    media: list[MediaOrder] = Field(min_length=1, max_length=LARGEST_BATCH)


class OrderProblem(BaseModel):
    """Why one of several was not taken."""

    code: str
    message: str
    remedy: str


class OrderResult(BaseModel):
    """What became of one of several: one of the two is there."""

    receipt: MediaReceipt | None = None
    problem: OrderProblem | None = None


class OrderResults(BaseModel):
    """What became of each, in the order of the request."""

    results: list[OrderResult]


_RESPONSES: dict[int | str, dict[str, Any]] = {
    **ERRORS,
    200: {"model": MediaReceipt, "description": "It was known before."},
    400: {"model": ErrorAnswer},
    409: {"model": ErrorAnswer},
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=_RESPONSES,
)
async def order(
    request: Request, response: Response, token: UserToken, body: MediaOrder
) -> MediaReceipt:
    """Want a link or a torrent to be relayed; wanting it again changes nothing.

    The answer means that it is in the ledger, and a run is started at once. The same key with a
    fresh link revives a download that failed because its link had expired.
    """
    receipt = await place_order(request, token, body)
    if not receipt.is_new:
        response.status_code = HTTPStatus.OK
    return receipt


@router.post(
    "/torrent",
    status_code=HTTPStatus.CREATED,
    responses=_RESPONSES,
)
async def order_torrent(  # noqa: PLR0913, PLR0917 - the fields of a form
    request: Request,
    response: Response,
    token: UserToken,
    torrent: Annotated[UploadFile, File(description="The .torrent file.")],
    name: Annotated[Name | None, Form()] = None,
    key: Annotated[Key | None, Form()] = None,
    target: Annotated[
        list[Target] | None, Form(description="An upload target; may come repeatedly.")
    ] = None,
) -> MediaReceipt:
    """Want the torrent of a form's file, as `POST /api/media` does."""
    content = base64.b64encode(await torrent.read()).decode()
    wanted = MediaOrder(torrent=content, name=name, key=key, targets=target)
    receipt = await place_order(request, token, wanted)
    if not receipt.is_new:
        response.status_code = HTTPStatus.OK
    return receipt


@router.post("/batch", responses={**ERRORS, 409: {"model": ErrorAnswer}})
async def order_batch(request: Request, token: UserToken, body: MediaOrders) -> OrderResults:
    """Want up to 100 things; one that cannot be taken hinders no other."""
    results = []
    for each in body.media:
        try:
            results.append(OrderResult(receipt=await place_order(request, token, each)))
        except NotPossibleError:
            raise
        except ApiError as error:
            problem = OrderProblem(code=error.code, message=error.message, remedy=error.remedy)
            results.append(OrderResult(problem=problem))
    return OrderResults(results=results)


async def place_order(request: Request, token: Token, wanted: MediaOrder) -> MediaReceipt:
    """Write that something is wanted, after making sure that it can be had.

    Args:
        request: The request.
        token: Whose wish it is.
        wanted: What.

    Raises:
        InvalidRequestError: Nobody can download it, or it is in a private network.
        NotPossibleError: The relay is off.
    """
    settings = context_of(request).settings.relay
    if not settings.enabled:
        raise NotPossibleError(
            "The relay is off: nothing would be downloaded.",
            remedy="Set relay.enabled = true in sync.toml and start the server again.",
        )
    unknown = sorted(set(wanted.targets or ()) - set(settings.targets))
    if unknown:
        known = ", ".join(settings.targets) or "none; add one in relay.targets"
        raise InvalidRequestError(
            f"There is no target {unknown[0]!r}.", remedy=f"The targets are: {known}."
        )
    if wanted.link is not None:
        await asyncio.to_thread(_check_link, wanted.link, guard_of_links(settings))
    torrent = None if wanted.torrent is None else _decoded(wanted.torrent)

    def apply(connection: Connection) -> MediaReceipt:
        try:
            known = enqueue(
                connection,
                source=API_SOURCE,
                torrent=torrent,
                **wanted.model_dump(exclude={"torrent"}),
            )
        except TorrentError as error:
            raise InvalidRequestError(error.message, remedy=error.remedy) from error
        record(connection, "relay_medium", known.media_id, "order", token)
        (medium,) = answers_of(connection, [get_medium(connection, known.media_id)])
        return MediaReceipt(is_new=known.is_new, download_id=known.download_id, medium=medium)

    return await write(request, apply)


def _check_link(text: str, guard: AddressGuard) -> None:
    """Refuse a link that nobody can download, or that leads into a private network.

    Only for an answer at once: when it is downloaded, every connection is judged again.
    """
    try:
        link = parse_link(text)
        if link.kind is not DownloadKind.MAGNET:
            guard.check_url(link.address)
            parts = urlsplit(link.address)
            guard.addresses(parts.hostname or "", parts.port or 0)
    except (LinkError, AddressError) as error:
        raise InvalidRequestError(error.message, remedy=error.remedy) from error


def _decoded(torrent: str) -> bytes:
    try:
        return base64.b64decode(torrent, validate=True)
    except binascii.Error:
        raise InvalidRequestError(
            "The torrent is not Base64.", remedy="Encode the .torrent file's bytes as Base64."
        ) from None
