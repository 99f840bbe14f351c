"""Add several items at once."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.server.context import context_of
from sync_assets.server.watchlist.common import PREFIX, TAGS, User, errors
from sync_assets.watchlist.intake.access import ProviderAccess
from sync_assets.watchlist.intake.adding import said
from sync_assets.watchlist.intake.forms import Form, ItemForm
from sync_assets.watchlist.intake.previewing import check_address
from sync_assets.watchlist.store import items

router = APIRouter(prefix=PREFIX, tags=TAGS)


class BatchForm(Form):
    """Several items."""

    items: Annotated[Sequence[ItemForm], Field(min_length=1, max_length=100)]


class BatchOutcome(StrEnum):
    """What became of an item."""

    ADDED = "added"
    KNOWN = "known"
    REFUSED = "refused"


class BatchRow(BaseModel):
    """What became of an item, in the order of the request."""

    outcome: BatchOutcome
    id: int | None = Field(description="The item that there is now.")
    problem: str | None


@router.post("/batch", responses=errors())
async def add_batch(request: Request, user: User, form: BatchForm) -> list[BatchRow]:
    """Watch several addresses. One that is refused keeps nobody else away.

    No page is asked: each needs a title, and a provider where its address does not tell it.
    """
    context = context_of(request)

    def add_all() -> list[BatchRow]:
        access = context.watchlist.access
        return [_added(context.ledger, access, user.user, each) for each in form.items]

    return await asyncio.to_thread(add_all)


def _added(ledger: Ledger, access: ProviderAccess, owner: str, form: ItemForm) -> BatchRow:
    try:
        check_address(access, form.url)
        new = said(access, form)
        with ledger.write() as connection:
            row = items.add(connection, owner, new)
    except items.AlreadyWatchedError as error:
        return BatchRow(outcome=BatchOutcome.KNOWN, id=error.item_id, problem=None)
    except LedgerUnavailableError:
        raise
    except SyncError as error:
        problem = f"{error.message} {error.remedy}"
        return BatchRow(outcome=BatchOutcome.REFUSED, id=None, problem=problem)
    return BatchRow(outcome=BatchOutcome.ADDED, id=row.id, problem=None)
