"""The webhook of a Telegram bot: updates go into the inbox, as those of long polling do.

Telegram sends the secret that the webhook was set with in a header of its own, and sends an update
again until it is answered with 200: https://core.telegram.org/bots/api#setwebhook
"""

import hmac

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from sync_assets.launching import EventJob
from sync_assets.relay.receiving import delivery
from sync_assets.relay.updates import SOURCE
from sync_assets.relay.waiting import EVENT_JOB
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer, InvalidRequestError, UnauthenticatedError
from sync_assets.server.payloads import parse_object
from sync_assets.server.webhooks import Receipt, read_body
from sync_assets.settings import Settings
from sync_assets.settings.relay import ReceiveMode
from sync_assets.telegram.client import bot_id

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name, not its value

router = APIRouter(prefix="/api/v1/webhook", tags=["webhooks"])


def event_jobs(settings: Settings) -> list[EventJob]:
    """Return the jobs to start for what comes in here; none where the relay is off.

    Args:
        settings: The configuration.
    """
    return [EVENT_JOB] if settings.relay.enabled else []


def _require_secret(request: Request) -> str:
    """Return the id of the bot whose webhook has the secret that came with a request."""
    settings = context_of(request).settings
    secret, token = settings.relay.webhook_secret, settings.telegram.bot_token
    given = request.headers.get(SECRET_HEADER, "")
    is_on = settings.relay.enabled and settings.relay.receive is ReceiveMode.WEBHOOK
    if (
        not is_on
        or secret is None
        or token is None
        or not hmac.compare_digest(given.encode(), secret.get_secret_value().encode())
    ):
        raise UnauthenticatedError(
            "The secret is missing or wrong, or no webhook of Telegram is configured.",
            remedy="Set relay.receive = 'webhook' and relay.webhook_secret, and set the "
            "webhook with that secret_token.",
        )
    return bot_id(token)


@router.post(
    "/telegram",
    response_model=Receipt,
    responses={status: {"model": ErrorAnswer} for status in (400, 401, 408, 413, 503)},
)
async def telegram(request: Request) -> JSONResponse:
    """Store an update of the relay's bot; the answer 200 means that it is on disk."""
    bot = _require_secret(request)
    body = await read_body(request)
    try:
        stored = delivery(parse_object(body), bot_id=bot)
    except (KeyError, TypeError, ValueError):
        raise InvalidRequestError(
            "The body is no update of Telegram: it has no update_id.",
            remedy="Only Telegram sends to this address.",
        ) from None
    is_new = await context_of(request).inbox.store(stored, size=len(body))
    context_of(request).launcher.notify(SOURCE)
    return JSONResponse({"id": stored.event_id, "duplicate": not is_new})
