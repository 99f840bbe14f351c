"""Shares: make, list and revoke the secret addresses of feeds and lists."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.responses import Response

from sync_assets.ledger.types import AnyRow
from sync_assets.server.errors import ApiError
from sync_assets.server.watchlist.common import (
    LARGEST_ID,
    PREFIX,
    TAGS,
    User,
    errors,
    read,
    write,
)
from sync_assets.watchlist.intake.forms import Form, Text
from sync_assets.watchlist.models import ShareKind
from sync_assets.watchlist.store import shares

router = APIRouter(prefix=f"{PREFIX}/shares", tags=TAGS)

MOST_SHARES = 100

ShareId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The share's id.")]


class TooManySharesError(ApiError):
    """The user has as many shares as there may be."""

    status = HTTPStatus.CONFLICT
    code = "too_many_shares"


class ShareForm(Form):
    """What to share."""

    kind: ShareKind
    name: Annotated[Text, Field(max_length=100, description="For whom it is.")] = ""


class ShareAnswer(BaseModel):
    """A share, without its secret."""

    id: int
    kind: ShareKind
    name: str
    created_at: datetime

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """Describe a share.

        Args:
            row: Its row.
        """
        return cls(id=row.id, kind=row.kind, name=row.name, created_at=row.created_at)


class NewShareAnswer(ShareAnswer):
    """A share that was just made."""

    path: str = Field(description="Its secret address on this server, shown only now.")


@router.post("", status_code=HTTPStatus.CREATED, responses=errors(409))
async def make_share(request: Request, user: User, form: ShareForm) -> NewShareAnswer:
    """Make a secret address: an RSS feed of new episodes, or the list of what is watched.

    Whoever knows it can read it, without a token, until it is revoked.
    """

    def make(connection: Connection) -> tuple[AnyRow, str]:
        if len(shares.of_owner(connection, user.user)) >= MOST_SHARES:
            raise TooManySharesError(
                f"There are {MOST_SHARES} shares already.", remedy="Revoke one first."
            )
        return shares.create(connection, user.user, form.kind, form.name)

    row, secret = await write(request, make)
    path = f"/feeds/{secret}.xml" if form.kind is ShareKind.FEED else f"/lists/{secret}"
    return NewShareAnswer(**ShareAnswer.of(row).model_dump(), path=path)


@router.get("", responses=errors())
async def list_shares(request: Request, user: User) -> Sequence[ShareAnswer]:
    """List the shares that are not revoked."""
    rows = await read(request, lambda connection: shares.of_owner(connection, user.user))
    return [ShareAnswer.of(row) for row in rows]


@router.delete("/{share_id}", status_code=HTTPStatus.NO_CONTENT, responses=errors(404))
async def revoke_share(request: Request, user: User, share_id: ShareId) -> Response:
    """Revoke a share: its address leads nowhere from now on."""
    await write(request, lambda connection: shares.revoke(connection, user.user, share_id))
    return Response(status_code=HTTPStatus.NO_CONTENT)
