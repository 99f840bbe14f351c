"""What users do to transfers: written at once with who did it, and a run is started for it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from sqlalchemy import Connection

from sync_assets.errors import SyncError
from sync_assets.ledger import LedgerUnavailableError, UnknownSubjectError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.tokens import Token
from sync_assets.relay.waiting import EVENT_JOB
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError, ErrorAnswer

Answer = TypeVar("Answer")

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer} for status in (401, 403, 422, 503)
}
"""The error answers that every address here has."""

ERRORS_OF_ONE: dict[int | str, dict[str, Any]] = {**ERRORS, 404: {"model": ErrorAnswer}}
"""Those of an address of one record."""

ERRORS_OF_ACTION: dict[int | str, dict[str, Any]] = {**ERRORS_OF_ONE, 409: {"model": ErrorAnswer}}
"""Those of an address that changes one record."""


class NotPossibleError(ApiError):
    """What is wanted does not fit the state of the record."""

    status = HTTPStatus.CONFLICT
    code = "not_possible"


async def write(request: Request, function: Callable[[Connection], Answer]) -> Answer:
    """Write what a user wants, and let a run deal with it.

    Args:
        request: The request.
        function: Writes, in the transaction that it gets.

    Returns:
        What the function returned.

    Raises:
        NotPossibleError: The domain refuses it.
    """
    context = context_of(request)
    try:
        answer = await context.writer.write(function)
    except (ApiError, UnknownSubjectError, LedgerUnavailableError):
        raise
    except SyncError as error:
        raise NotPossibleError(error.message, remedy=error.remedy) from error
    context.launcher.notify(EVENT_JOB.sources[0])
    return answer


def by(token: Token) -> Mapping[str, str]:
    """Return who did something, for the history.

    Args:
        token: The bearer's token.
    """
    return {"by": token.name, "token": token.id}


def record(connection: Connection, entity: str, row_id: int, action: str, token: Token) -> None:
    """Append to the history who did what to a record, beside the change of its state.

    Args:
        connection: A writing transaction of the ledger.
        entity: The term for the record, as in `events`.
        row_id: Which.
        action: What was done.
        token: Whose.
    """
    append_events(connection, [Event(entity, str(row_id), detail={"action": action, **by(token)})])
