"""`POST /api/v1/custom`: programs of one's own say what was watched."""

from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from starlette.responses import JSONResponse

from sync_assets.bangumi.custom.models import Action
from sync_assets.bangumi.matching.models import MediaType
from sync_assets.ledger.inbox import Delivery
from sync_assets.ledger.tokens import Scope
from sync_assets.server.context import context_of
from sync_assets.server.errors import ErrorAnswer
from sync_assets.server.media_webhooks import digest_id
from sync_assets.server.payloads import event_id_of, parse_object
from sync_assets.server.security import RequireScope
from sync_assets.server.webhooks import Receipt, read_body
from sync_assets.settings.bangumi import CustomSource

router = APIRouter(prefix="/api/v1", tags=["webhooks"])

Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$"
    ),
]
Number = Annotated[int, Field(ge=0, le=100_000)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,9}$")]


class ItemIds(BaseModel):
    """Ids of the show or film; never of the episode."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    tmdb: Identifier | None = None
    tvdb: Identifier | None = None
    trakt: Identifier | None = None
    imdb: Annotated[str, StringConstraints(pattern=r"^tt\d{5,10}$")] | None = None


class CustomItemRequest(BaseModel):
    """An episode or a film that somebody has watched, or has begun to watch."""

    model_config = ConfigDict(extra="forbid")

    media_type: MediaType = Field(
        default=MediaType.EPISODE, description="A movie has neither season nor episode."
    )
    action: Action = Field(default=Action.WATCHED, description="started: playing has begun.")
    title: Text = Field(description="The show's or film's title.")
    original_title: Text | None = Field(
        default=None,
        validation_alias=AliasChoices("original_title", "ori_title"),
        description="Its title in its own language, which finds more.",
    )
    season: Number | None = Field(default=None, description="0 for specials; without it 1.")
    episode: Number | None = Field(default=None, description="Its number in the season.")
    release_date: date | None = Field(
        default=None, description="When it was first broadcast; a title alone is never enough."
    )
    year: Number | None = Field(default=None, description="When the show or film began.")
    ids: ItemIds = Field(default_factory=ItemIds)
    user: Text = Field(
        validation_alias=AliasChoices("user", "user_name"),
        description="Whose; a name of [bangumi.custom.users].",
    )
    source: Text | None = Field(default=None, description="What sends it, for people.")
    library: Text | None = Field(default=None, description="Where it is.")
    watched_at: datetime | None = Field(default=None, description="When; without it, now.")

    @model_validator(mode="after")
    def _episodes_have_a_number(self) -> Self:
        if self.media_type is MediaType.EPISODE and self.episode is None:
            message = "an episode needs the field episode"
            raise ValueError(message)
        return self


def _inlined(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Put what a schema refers to in its place, so that it stands by itself in a description."""
    if isinstance(schema, dict):
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        found = definitions.get(name, schema)
        return {key: _inlined(value, definitions) for key, value in found.items() if key != "$defs"}
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    return schema


def _described() -> dict[str, Any]:
    schema = CustomItemRequest.model_json_schema()
    content = {"application/json": {"schema": _inlined(schema, schema["$defs"])}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/custom",
    dependencies=[Depends(RequireScope(Scope.INGEST))],
    response_model=Receipt,
    status_code=HTTPStatus.ACCEPTED,
    responses={status: {"model": ErrorAnswer} for status in (400, 401, 403, 408, 413, 422, 503)},
    openapi_extra=_described(),
)
async def custom(
    request: Request,
    idempotency_key: Annotated[str | None, Header(description="The event's id.")] = None,
) -> JSONResponse:
    """Store what was watched; the answer 202 means that it is on disk.

    Sending the same again, with the same key or without one on the same day, stores it once.
    """
    body = await read_body(request)
    try:
        item = CustomItemRequest.model_validate(parse_object(body))
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(problems) from None
    payload = item.model_dump(mode="json", exclude_none=True)
    event_id = event_id_of({}, idempotency_key) if idempotency_key else digest_id(payload)
    context = context_of(request)
    delivery = Delivery(CustomSource.CUSTOM, event_id, payload)
    is_new = await context.inbox.store(delivery, size=len(body))
    context.launcher.notify(CustomSource.CUSTOM)
    return JSONResponse({"id": event_id, "duplicate": not is_new}, HTTPStatus.ACCEPTED)
