"""Live updates: the ledger's history as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from sync_assets.ledger.tokens import Scope, Token
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.event_feed import EventFeed, Subscription
from sync_assets.server.security import RequireScope

router = APIRouter(prefix="/api", tags=["events"])

LARGEST_ID = 2**63 - 1


class EventStreamResponse(StreamingResponse):
    """A stream of events that counts as open for exactly as long as it is being sent.

    Args:
        feed: Where the events come from.
        subscription: What the client wants.
        cursor: The id to begin after.
        first: What to send before anything else.
    """

    media_type = "text/event-stream"

    def __init__(
        self, feed: EventFeed, subscription: Subscription, cursor: int, first: bytes
    ) -> None:
        # Proxies must pass every event on at once, and keep none.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(feed.frames(subscription, cursor, first), headers=headers)
        self._feed = feed

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Send events until the client leaves or the stream ends."""
        with self._feed.stream():
            await super().__call__(scope, receive, send)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events.", "content": {"text/event-stream": {}}},
        **{status: {"model": ErrorAnswer} for status in (401, 403, 422, 503)},
    },
)
async def events(
    request: Request,
    token: Annotated[Token, Depends(RequireScope(Scope.USER))],
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=LARGEST_ID, description="The last id received; goes before ?after=."),
    ] = None,
    after: Annotated[
        int | None,
        Query(ge=0, le=LARGEST_ID, description="Begin after this id; 0 is the very beginning."),
    ] = None,
    entity: Annotated[
        str | None, Query(pattern=r"^[a-z0-9_]{1,64}$", description="Only this kind of entity.")
    ] = None,
) -> EventStreamResponse:
    """Every change of state, as it happens.

    Resumes after `Last-Event-ID`, which browsers send by themselves, or after `?after=`. Without
    either it begins now. What is another user's is sent to administrators only.
    """
    position = after if last_event_id is None else last_event_id
    user = None if token.scope is Scope.ADMIN else token.user
    subscription = Subscription(position, entity, token.id, user)
    feed = context_of(request).feed
    cursor, first = await feed.start_of(subscription)
    return EventStreamResponse(feed, subscription, cursor, first)
