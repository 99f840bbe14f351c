"""aria2's JSON-RPC, as https://aria2.github.io/manual/en/html/aria2c.html#rpc-interface says.

Over HTTP only: measured, events on its WebSocket miss waiting tasks and whatever happens while
nobody listens, so that one call for all open tasks is what tells the truth.
"""

import http.client
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from sync_assets.errors import SyncError


class Aria2UnreachableError(SyncError):
    """aria2 does not answer: it is gone, or not yet there."""


class Aria2RefusedError(SyncError):
    """aria2 refused a call.

    Its text is not to be relied on: a second task with a gid is refused as `No URI to download`.
    """


@dataclass(frozen=True)
class Call:
    """One method and its parameters, without the secret."""

    method: str
    parameters: tuple[Any, ...] = ()


class Aria2Client:
    """A connection to one aria2; not for several threads at once.

    Args:
        host: Its address.
        port: Its port.
        secret: What its `rpc-secret` is.
        path: Where its interface is.
        is_tls: Whether it is reached by https.
        timeout_seconds: How long it may be silent.
    """

    def __init__(  # noqa: PLR0913 - all but four are named
        self,
        host: str,
        port: int,
        secret: SecretStr,
        *,
        path: str = "/jsonrpc",
        is_tls: bool = False,
        timeout_seconds: float = 30.0,
    ) -> None:
        connect = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
        self._connection = connect(host, port, timeout=timeout_seconds)
        self._token = f"token:{secret.get_secret_value()}"
        self._address = f"{host}:{port}"
        self._path = path
        self._numbers = itertools.count(1)

    def call(self, method: str, *parameters: Any) -> Any:
        """Call one method.

        Args:
            method: Such as `aria2.addUri`.
            *parameters: What it takes, without the secret.

        Returns:
            Its result.

        Raises:
            Aria2RefusedError: aria2 answered with an error.
            Aria2UnreachableError: No answer came; the call may have had its effect.
        """
        return self._post(method, [self._token, *parameters])

    def multicall(self, calls: Sequence[Call]) -> list[Any]:
        """Call several methods in one request.

        Args:
            calls: The methods.

        Returns:
            In their order the result of each, or the `Aria2RefusedError` that it met.

        Raises:
            Aria2UnreachableError: No answer came; any of them may have had its effect.
        """
        if not calls:
            return []
        batch = [
            {"methodName": call.method, "params": [self._token, *call.parameters]} for call in calls
        ]
        # system.multicall itself takes no secret; each of its calls does.
        answers = self._post("system.multicall", [batch])
        return [_refusal(each) if isinstance(each, Mapping) else each[0] for each in answers]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, method: str, parameters: Sequence[Any]) -> Any:
        body = json.dumps(
            {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": parameters}
        )
        try:
            self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = json.loads(self._connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise Aria2UnreachableError(
                f"aria2 at {self._address} does not answer: {type(error).__name__}.",
                remedy="Check that it runs and that relay.aria2.url is right. A private one is "
                "started again by itself.",
            ) from None
        if "error" in answer:
            raise _refusal(answer["error"])
        return answer["result"]


def _refusal(error: Mapping[str, Any]) -> Aria2RefusedError:
    message = str(error.get("message", "no reason given"))
    if message == "Unauthorized":
        return Aria2RefusedError(
            "aria2 does not accept the secret.",
            remedy="Set relay.aria2.secret to the rpc-secret of that aria2.",
        )
    return Aria2RefusedError(
        f"aria2 refused: {message}.", remedy="Look at the download; then retry it."
    )
