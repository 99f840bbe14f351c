"""What the routers of the watchlist share: who asks, ids, and work off the event loop."""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from sqlalchemy import Connection

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.security import RequireScope

LARGEST_ID = 2**63 - 1
PREFIX = "/api/watchlist"
TAGS: list[str | Enum] = ["watchlist"]

User = Annotated[Token, Depends(RequireScope(Scope.USER))]
Admin = Annotated[Token, Depends(RequireScope(Scope.ADMIN))]
ItemId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The item's id.")]
EpisodeId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The episode's id.")]
Answer = TypeVar("Answer")


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the error answers of a route, beside those that every route has.

    Args:
        *statuses: Their HTTP statuses.
    """
    return {status: {"model": ErrorAnswer} for status in (401, 403, 422, 503, *statuses)}


async def read(request: Request, function: Callable[[Connection], Answer]) -> Answer:
    """Run a function within a reading transaction, off the event loop.

    Args:
        request: The request.
        function: Gets the connection.
    """
    return await context_of(request).reader.read(function)


async def write(request: Request, function: Callable[[Connection], Answer]) -> Answer:
    """Run a function within a writing transaction, off the event loop.

    Args:
        request: The request.
        function: Gets the connection.
    """
    ledger = context_of(request).ledger

    def within_transaction() -> Answer:
        with ledger.write() as connection:
            return function(connection)

    return await asyncio.to_thread(within_transaction)
