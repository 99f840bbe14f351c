"""What happens to every request: it gets an id, is measured, and always gets an answer."""

import logging
import secrets
import time
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_assets.server.errors import internal_error_response, status_response
from sync_assets.server.measurements import UNMATCHED_ROUTE, Measurements

logger = logging.getLogger(__name__)


class RequestMiddleware:
    """Identify and measure requests, refuse declared oversize, answer what nobody caught.

    Starlette's body limit, further in, counts what arrives; its own answer to a declared length
    is plain text, so that check comes first.

    Args:
        app: The next application.
        measurements: Where requests are counted.
        maximum_body_bytes: The longest body that is accepted.
    """

    def __init__(self, app: ASGIApp, measurements: Measurements, maximum_body_bytes: int) -> None:
        self._app = app
        self._measurements = measurements
        self._maximum_body_bytes = maximum_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None

        async def send_identified(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                route = getattr(scope.get("route"), "path", UNMATCHED_ROUTE)
                seconds = time.perf_counter() - started_at
                self._measurements.observe_request(scope["method"], route, status, seconds)
            await send(message)

        if self._is_declared_too_large(scope):
            response = status_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, request_id)
            await response(scope, receive, send_identified)
            return
        try:
            await self._app(scope, receive, send_identified)
        except Exception:
            if status is not None:
                # The answer has begun: the connection must break, and uvicorn logs why.
                raise
            logger.exception("Request %s failed.", request_id)
            await internal_error_response(request_id)(scope, receive, send_identified)

    def _is_declared_too_large(self, scope: Scope) -> bool:
        declared = Headers(scope=scope).get("content-length", "")
        return declared.isdecimal() and int(declared) > self._maximum_body_bytes
