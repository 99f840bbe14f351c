"""Turn a webhook's body into what the inbox can store: plain Python, no HTTP.

Every check is cheap on ordinary bodies: the thorough ones run only where the raw text shows that
they may be needed.
"""

import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from sync_assets.ledger.inbox import UNPARSED
from sync_assets.server.errors import InvalidRequestError

MAXIMUM_DEPTH = 100
MAXIMUM_ID_LENGTH = 255

_MAY_ESCAPE_BADLY = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ID = re.compile(rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{MAXIMUM_ID_LENGTH}}}")


def parse_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object that every database can store.

    Args:
        body: The request's body.

    Returns:
        The object.

    Raises:
        InvalidRequestError: It is something else.
    """
    payload = parse_document(body)
    if not isinstance(payload, dict):
        raise _invalid("The body is JSON, but not an object.")
    return payload


def parse_document(body: bytes) -> Any:
    """Parse a JSON document of any kind that every database can store.

    Args:
        body: The request's body.

    Raises:
        InvalidRequestError: It is something else.
    """
    try:
        payload = json.loads(
            body.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise _invalid(f"The body is not UTF-8: byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise _invalid(
            f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from None
    except ValueError:
        # Python refuses to parse an integer of more than 4,300 digits.
        raise _invalid("The body holds a number that is too large.") from None
    except RecursionError:
        raise _too_deep() from None
    if body.count(b"{") + body.count(b"[") > MAXIMUM_DEPTH:
        _refuse_depth(payload)
    if _MAY_ESCAPE_BADLY.search(body):
        _refuse_characters(payload, body)
    return payload


def parse_or_keep(body: bytes) -> dict[str, Any]:
    """Parse a JSON object, or keep what it is not as text.

    For senders that fill templates: a quote in a file's name makes their body invalid, and what it
    was about must not be lost.

    Args:
        body: The request's body.

    Returns:
        The object; else the text as the field `unparsed`, and why as `problem`.
    """
    try:
        return parse_object(body)
    except InvalidRequestError as error:
        text = body.decode("utf-8", "backslashreplace").replace("\0", "\\0")
        return {UNPARSED: text, "problem": error.message}


def event_id_of(payload: Mapping[str, Any], idempotency_key: str | None) -> str:
    """Find the sender's id of an event, or make one.

    Args:
        payload: The parsed body.
        idempotency_key: The header of that name.

    Returns:
        The header, else the body's `event_id`, else its `id`, else an id that is unique.

    Raises:
        InvalidRequestError: The one that was found cannot be an id.
    """
    candidates = {
        "the header Idempotency-Key": idempotency_key,
        "the field event_id": payload.get("event_id"),
        "the field id": payload.get("id"),
    }
    for place, value in candidates.items():
        if value is None:
            continue
        is_number = isinstance(value, int) and not isinstance(value, bool)
        text = str(value) if is_number else value
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise InvalidRequestError(
                f"In {place} is no usable event id.",
                remedy=f"An id is a whole number or a text of 1 to {MAXIMUM_ID_LENGTH} characters "
                "without control characters. The header Idempotency-Key goes before the fields; "
                "without all three, every delivery is an event of its own.",
            )
        return text
    return uuid.uuid4().hex


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"The body holds {name}, which is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _invalid("The body holds a number that is too large.")
    return value


def _refuse_depth(payload: Any) -> None:
    level: Iterable[Any] = [payload]
    for _ in range(MAXIMUM_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    if any(isinstance(value, dict | list) for value in level):
        raise _too_deep()


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_characters(payload: Any, body: bytes) -> None:
    if _ESCAPED_NUL.search(body):
        raise _invalid(r"The body holds the character \u0000, which databases cannot store.")
    try:
        json.dumps(payload, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _invalid("The body holds half of a surrogate pair, which is no character.") from None


def _too_deep() -> InvalidRequestError:
    return _invalid(f"The body is nested more than {MAXIMUM_DEPTH} levels deep.")


def _invalid(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, remedy="Send one JSON object, encoded as UTF-8.")
