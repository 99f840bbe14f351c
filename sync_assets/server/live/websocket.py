"""Live updates over a WebSocket: what `/api/events` has, in batches, with how far transfers are.

The client's first message says who it is and what it wants; it sends nothing else. Every message
of the server says which event the client has with it, and so where to resume.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from sync_assets.ledger import LedgerUnavailableError
from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.context import ServerContext, context_of
from sync_assets.server.errors import OverloadedError
from sync_assets.server.live.event_feed import EventFeed
from sync_assets.server.live.events import ENTITY_PATTERN, LARGEST_ID
from sync_assets.server.live.frames import Subscription, visible_to
from sync_assets.server.pages.access import SESSION_COOKIE, SESSION_LIFETIME
from sync_assets.server.security import find_token

router = APIRouter()

SUBSCRIBE_SECONDS = 10.0
SEND_SECONDS = 20.0
CLOSE_SECONDS = 5.0

UNUSABLE = 1008
RESTARTING = 1012
TRY_AGAIN = 1013
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TIMED_OUT = 4408


class Subscribe(BaseModel):
    """The first message of a client."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    type: Literal["subscribe"]
    token: SecretStr | None = Field(default=None, description="Unless a header or cookie has it.")
    after: Annotated[int, Field(ge=0, le=LARGEST_ID)] | None = None
    entity: Annotated[str, Field(pattern=ENTITY_PATTERN)] | None = None
    transfers: bool = True


class ClosedError(Exception):
    """The connection is to be closed.

    Args:
        code: The WebSocket's close code.
        reason: What is wrong and what to do; at most 123 bytes.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@router.websocket("/ws")
async def live(websocket: WebSocket) -> None:
    """Send every change of state and how far transfers are, until the client leaves."""
    if not is_same_origin(websocket):
        # Before it is accepted this is HTTP's 403.
        await websocket.close()
        return
    await websocket.accept()
    try:
        await _serve(websocket)
    except ClosedError as error:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await websocket.close(error.code, error.reason)
    except WebSocketDisconnect:
        return


def is_same_origin(websocket: WebSocket) -> bool:
    """Tell whether a page of this server asks, or no page at all.

    A browser lets every page of every site open a WebSocket, with the cookies of the server.

    Args:
        websocket: The connection.
    """
    origin = websocket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == websocket.headers.get("host")


async def _serve(websocket: WebSocket) -> None:
    context = context_of(websocket)
    wanted = await _first_message(websocket)
    try:
        token = await _token(websocket, context, wanted)
        if not token.scope.allows(Scope.USER):
            raise ClosedError(FORBIDDEN, f"The token's scope is {token.scope}; this needs user.")
        subscription = Subscription(
            wanted.after,
            wanted.entity,
            token.id,
            visible_to(token),
            with_transfers=wanted.transfers,
        )
        with context.feed.stream(with_transfers=wanted.transfers):
            await _stream(websocket, context.feed, subscription)
    except (OverloadedError, LedgerUnavailableError) as error:
        reason = "The server cannot serve this now; try again later."
        raise ClosedError(TRY_AGAIN, reason) from error
    if context.feed.is_closed:
        raise ClosedError(RESTARTING, "The server stops; connect again and resume.")
    raise ClosedError(UNAUTHENTICATED, "The token was revoked.")


async def _first_message(websocket: WebSocket) -> Subscribe:
    try:
        async with asyncio.timeout(SUBSCRIBE_SECONDS):
            return Subscribe.model_validate_json(await websocket.receive_text())
    except TimeoutError:
        reason = f"No subscription came within {SUBSCRIBE_SECONDS:.0f} s."
        raise ClosedError(TIMED_OUT, reason) from None
    except (ValidationError, KeyError):
        reason = 'The first message must be like {"type": "subscribe", "token": "…", "after": 41}.'
        raise ClosedError(UNUSABLE, reason) from None


async def _token(websocket: WebSocket, context: ServerContext, wanted: Subscribe) -> Token:
    kind, _, plain_text = websocket.headers.get("authorization", "").partition(" ")
    token = None
    if wanted.token is not None:
        token = await find_token(websocket, wanted.token.get_secret_value())
    elif kind.lower() == "bearer":
        token = await find_token(websocket, plain_text.strip())
    elif sealed := websocket.cookies.get(SESSION_COOKIE):
        token_id = context.cookies.open(SESSION_COOKIE, sealed, SESSION_LIFETIME)
        token = await context.tokens.verify_id(token_id) if token_id else None
    if token is None:
        raise ClosedError(UNAUTHENTICATED, "The token is missing or not valid.")
    return token


async def _stream(websocket: WebSocket, feed: EventFeed, subscription: Subscription) -> None:
    """Send until the feed ends the stream; a client that leaves or speaks ends it too."""
    cursor, is_reset = await feed.begin(subscription)
    kind = "reset" if is_reset else "ready"
    await websocket.send_text(json.dumps({"type": kind, "last_event_id": cursor}))
    batches = feed.batches(subscription, cursor)
    sender = asyncio.create_task(_send(websocket, batches))
    receiver = asyncio.create_task(websocket.receive())
    done, _ = await asyncio.wait({sender, receiver}, return_when=asyncio.FIRST_COMPLETED)
    for task in (sender, receiver):
        task.cancel()
    await asyncio.gather(sender, receiver, return_exceptions=True)
    if receiver in done:
        if receiver.result()["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        raise ClosedError(UNUSABLE, "Send nothing after the subscription; connect again instead.")
    sender.result()


async def _send(websocket: WebSocket, batches: AsyncGenerator[str]) -> None:
    async with aclosing(batches):
        async for text in batches:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await websocket.send_text(text)
            except TimeoutError:
                reason = "You read too slowly; connect again and resume after the last event."
                raise ClosedError(TRY_AGAIN, reason) from None
