"""The one shape of every error answer, and the errors that only HTTP has.

`{"error": {"code", "message", "remedy", "request_id"}}`, with `fields` where the request's
fields are wrong. Causes that name paths or hosts stay in the log: a caller may be anybody.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from sync_assets.errors import SyncError
from sync_assets.ledger import (
    IllegalTransitionError,
    LedgerUnavailableError,
    StateConflictError,
    UnknownSubjectError,
)
from sync_assets.ledger.secrets import SecretKeyError

logger = logging.getLogger(__name__)

REALM = 'Bearer realm="sync_assets"'
RETRY_SECONDS = 2


class FieldProblem(BaseModel):
    """One field of a request that cannot be used."""

    location: str
    message: str


class ErrorDetail(BaseModel):
    """What went wrong and what to do about it."""

    code: str
    message: str
    remedy: str
    request_id: str
    fields: list[FieldProblem] | None = None


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class ApiError(SyncError):
    """A request that cannot be served as it is.

    Args:
        message: What is wrong with it.
        remedy: What the caller can do.
        headers: Headers that belong to the answer.
    """

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_request"

    def __init__(
        self, message: str, *, remedy: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.headers = dict(headers or {})


class InvalidRequestError(ApiError):
    """The request's content cannot be used."""


class UnauthenticatedError(ApiError):
    """The request bears no valid token."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"


class ForbiddenError(ApiError):
    """The token is valid, and not for this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class SlowRequestError(ApiError):
    """The body did not arrive in time."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "request_timeout"


class OverloadedError(ApiError):
    """The server has as much to do as it can hold."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "overloaded"

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy, headers={"Retry-After": str(RETRY_SECONDS)})


class LedgerBusyError(LedgerUnavailableError):
    """The ledger did not answer in time."""

    def __init__(self) -> None:
        super().__init__(
            "The ledger did not answer in time.",
            remedy="Send the request again; another program may hold the ledger's lock.",
        )


_STATUS_OF_ERROR: Mapping[type[SyncError], HTTPStatus] = {
    UnknownSubjectError: HTTPStatus.NOT_FOUND,
    StateConflictError: HTTPStatus.CONFLICT,
    IllegalTransitionError: HTTPStatus.CONFLICT,
}

_TEXT_OF_STATUS = {
    HTTPStatus.NOT_FOUND: (
        "not_found",
        "There is nothing at this address.",
        "GET /docs lists every address of this server.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        "This address does not serve this method.",
        "The Allow header names the methods that it serves.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "body_too_large",
        "The request's body is too large.",
        "Send less, or raise server.maximum_body_bytes in the configuration.",
    ),
}


class ErrorResponse(JSONResponse):
    """An error answer, which knows what it says.

    Args:
        status: The HTTP status.
        detail: What went wrong and what to do.
        headers: Further headers.
    """

    def __init__(
        self, status: HTTPStatus, detail: ErrorDetail, headers: Mapping[str, str] | None
    ) -> None:
        body = ErrorAnswer(error=detail).model_dump(exclude_none=True)
        super().__init__(body, status_code=status, headers=dict(headers or {}))
        self.detail = detail


ErrorPage = Callable[[Request, ErrorResponse], Response | None]
"""Makes a page of an error, where a browser asks."""


def error_response(  # noqa: PLR0913 - all but two are named
    status: HTTPStatus,
    request_id: str,
    *,
    code: str,
    message: str,
    remedy: str,
    fields: Sequence[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ErrorResponse:
    """Make an error answer.

    Args:
        status: The HTTP status.
        request_id: The request's id, by which the log can be searched.
        code: A stable name for programs.
        message: What went wrong.
        remedy: What to do.
        fields: The fields that are wrong.
        headers: Further headers.

    Returns:
        The response.
    """
    detail = ErrorDetail(
        code=code,
        message=message,
        remedy=remedy,
        request_id=request_id,
        fields=list(fields) if fields is not None else None,
    )
    return ErrorResponse(status, detail, headers)


def status_response(
    status: HTTPStatus, request_id: str, headers: Mapping[str, str] | None = None
) -> ErrorResponse:
    """Make the error answer of an HTTP status that has no further cause.

    Args:
        status: The HTTP status.
        request_id: The request's id.
        headers: Further headers.

    Returns:
        The response.
    """
    code, message, remedy = _TEXT_OF_STATUS.get(
        status,
        (
            f"http_{status.value}",
            f"{status.phrase}.",
            "GET /docs describes what this server expects.",
        ),
    )
    extra = dict(headers or {})
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        # Otherwise the rest of the body would be read only to be thrown away.
        extra["Connection"] = "close"
    return error_response(
        status, request_id, code=code, message=message, remedy=remedy, headers=extra
    )


def internal_error_response(request_id: str) -> ErrorResponse:
    """Make the answer to a mistake of ours; its cause is in the log.

    Args:
        request_id: The request's id.

    Returns:
        The response.
    """
    return error_response(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        request_id,
        code="internal_error",
        message="The server failed on this request; that is a defect of the server.",
        remedy=f"Look for {request_id} in the server's log.",
    )


def install_error_handlers(
    app: FastAPI, error_page: ErrorPage, statuses: Mapping[type[SyncError], HTTPStatus]
) -> None:
    """Give every error of an app the one shape.

    Args:
        app: The app.
        error_page: Makes a page of an error for browsers; programs get JSON.
        statuses: Which HTTP status the errors of domains are; the others are defects.
    """
    app.state.status_of_error = {**_STATUS_OF_ERROR, **statuses}

    def shown(
        answer: Callable[[Request, Any], ErrorResponse],
    ) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def handle(request: Request, error: Exception) -> Response:
            response = answer(request, error)
            return error_page(request, response) or response

        return handle

    app.add_exception_handler(SyncError, shown(_answer_sync_error))
    app.add_exception_handler(RequestValidationError, shown(_answer_validation_error))
    app.add_exception_handler(HTTPException, shown(_answer_http_exception))


def _answer_sync_error(request: Request, error: Any) -> ErrorResponse:
    request_id = request.state.request_id
    if isinstance(error, ApiError):
        return error_response(
            error.status,
            request_id,
            code=error.code,
            message=error.message,
            remedy=error.remedy,
            headers=error.headers,
        )
    if isinstance(error, LedgerUnavailableError):
        return error_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            request_id,
            code="ledger_unavailable",
            # The error's own message names the ledger's path or host: it is for the log.
            message="The ledger cannot be used now; nothing was stored.",
            remedy=f"{error.remedy} Then send the request again.",
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    if isinstance(error, SecretKeyError):
        # As above: it names the file of the key.
        logger.error("Request %s failed: %s", request_id, error)
        return error_response(
            HTTPStatus.SERVICE_UNAVAILABLE,
            request_id,
            code="secret_key_unavailable",
            message="The server's key cannot be used.",
            remedy=f"Look for {request_id} in the server's log, which says why.",
        )
    known = request.app.state.status_of_error
    status = next(
        (status for kind, status in known.items() if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    return error_response(
        status,
        request_id,
        code=_code(type(error)),
        message=error.message,
        remedy=error.remedy,
    )


def _answer_validation_error(request: Request, error: Any) -> ErrorResponse:
    # The values themselves are not repeated: they may be secret.
    fields = [
        FieldProblem(
            location=".".join(str(part) for part in problem["loc"]), message=problem["msg"]
        )
        for problem in error.errors()
    ]
    return error_response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        request.state.request_id,
        code="invalid_fields",
        message=f"{len(fields)} field(s) of the request cannot be used.",
        remedy="Correct the listed fields; GET /docs says what each may hold.",
        fields=fields,
    )


def _answer_http_exception(request: Request, error: Any) -> ErrorResponse:
    return status_response(HTTPStatus(error.status_code), request.state.request_id, error.headers)


def _code(kind: type[SyncError]) -> str:
    """`UnknownSubjectError` becomes `unknown_subject`."""
    words = re.findall(r"[A-Z][a-z0-9]*", kind.__name__.removesuffix("Error"))
    return "_".join(words).lower()
