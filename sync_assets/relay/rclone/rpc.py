"""rclone's remote control, as https://rclone.org/rc/ says.

Jobs are numbered from 1 in each process, so that a number alone may mean another job after a
restart: each job has a group of its own, by which it is known.
"""

import http
import http.client
import json
import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sync_assets.errors import SyncError

_SHORTEST_POLL_SECONDS = 0.01
_LONGEST_POLL_SECONDS = 0.25
# Of what a job takes, this share is waited at most until somebody sees that it has ended.
_POLL_SHARE = 0.02
_STOP_SECONDS = 10.0
_HEADERS = {"Content-Type": "application/json"}

MethodCall = tuple[str, dict[str, Any]]
"""A method with what it takes."""


class RcloneUnreachableError(SyncError):
    """rclone does not answer, or has forgotten a job: it is gone, or was started again."""


class RcloneRefusedError(SyncError):
    """A request failed.

    Attributes:
        text: What rclone, or the storage, says; may hold addresses, so it is for `failures` alone.
        status: rclone's HTTP status; 404 for what is not there.
    """

    def __init__(self, text: str, status: int) -> None:
        super().__init__("rclone could not do it.", remedy="Look at the upload; then retry it.")
        self.text = text
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        # Without a limit of time: a move, or reading back, takes as long as the storage does.
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


class RcloneClient:
    """A connection to one rclone; for several threads at once.

    Args:
        path: Its socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # One for each thread: measured, a library's pool takes several times as long.
        self._connections = threading.local()

    def call(
        self, method: str, *, meanwhile: Callable[[], None] | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Call a method, and wait for its result.

        Args:
            method: Such as `operations/stat`.
            meanwhile: Called again and again; what it raises stops the method.
            **parameters: What it takes.

        Returns:
            Its result.

        Raises:
            RcloneRefusedError: It failed.
            RcloneUnreachableError: No answer came; it may have had its effect.
        """
        connection = self._connection()
        try:
            connection.request("POST", f"/{method}", json.dumps(parameters), _HEADERS)
            if meanwhile is not None:
                _wait_for_answer(connection, meanwhile)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise RcloneUnreachableError(
                f"rclone does not answer: {type(error).__name__}.",
                remedy="Nothing to do: it is started again.",
            ) from None
        if answer.status != http.HTTPStatus.OK:
            raise RcloneRefusedError(str(content.get("error", "")), answer.status)
        return content

    def call_steps(
        self,
        steps: Sequence[Sequence[MethodCall]],
        *,
        at_once: int,
        configuration: Mapping[str, Any],
        meanwhile: Callable[[], None] | None = None,
    ) -> list[list[dict[str, Any] | RcloneRefusedError]]:
        """Call many methods with one request, in steps one after the other, and wait for all.

        Args:
            steps: The steps; the methods of each are called at the same time.
            at_once: How many methods of a step at a time.
            configuration: What rclone's configuration is for all of them; given once, since
                rclone goes through all of its options to read one.
            meanwhile: Called again and again; what it raises stops everything.

        Returns:
            For each step the result of each method, or why it failed; the steps after it were
            done all the same.

        Raises:
            RcloneRefusedError: None was called.
            RcloneUnreachableError: No answer came; they may have had their effect.
        """
        answer = self.call(
            "job/batch",
            meanwhile=meanwhile,
            concurrency=1,
            inputs=[_step(calls, at_once) for calls in steps],
            _config=configuration,
        )
        return [_results(calls, each) for calls, each in zip(steps, answer["results"], strict=True)]

    def run(
        self, method: str, *, meanwhile: Callable[[str], None] | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Run a method as a job, which may take as long as it likes.

        Args:
            method: Such as `operations/copyfile`.
            meanwhile: Called again and again with the job's group, for `core/stats`; what it
                raises stops the job.
            **parameters: What the method takes.

        Returns:
            Its result.

        Raises:
            RcloneRefusedError: It failed.
            RcloneUnreachableError: rclone is gone, and with it the job.
        """
        group = new_group()
        job_id = self.call(method, _async=True, _group=group, **parameters)["jobid"]
        try:
            status = self._wait(job_id, group, meanwhile)
        except BaseException:
            self._stop(job_id, group)
            raise
        if not status["success"]:
            missing = "not found" in status["error"]
            raise RcloneRefusedError(status["error"], 404 if missing else 500)
        return status.get("output") or {}

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._connections, "own", None)
        if found is None:
            found = _UnixConnection(self._path)
            self._connections.own = found
        return found

    def _wait(
        self, job_id: int, group: str, meanwhile: Callable[[str], None] | None
    ) -> dict[str, Any]:
        began_at = time.monotonic()
        while not (status := self._status(job_id, group))["finished"]:
            if meanwhile is not None:
                meanwhile(group)
            pause = max((time.monotonic() - began_at) * _POLL_SHARE, _SHORTEST_POLL_SECONDS)
            time.sleep(min(pause, _LONGEST_POLL_SECONDS))
        return status

    def _status(self, job_id: int, group: str) -> dict[str, Any]:
        try:
            status = self.call("job/status", jobid=job_id)
        except RcloneRefusedError:
            status = {}
        if status.get("group") != group:
            raise RcloneUnreachableError(
                "rclone has forgotten a job: it was started again.",
                remedy="Nothing to do: the upload begins again.",
            )
        return status

    def _stop(self, job_id: int, group: str) -> None:
        """Stop a job, and wait until it has let go of its files."""
        deadline = time.monotonic() + _STOP_SECONDS
        try:
            self.call("job/stop", jobid=job_id)
            while not self._status(job_id, group)["finished"] and time.monotonic() < deadline:
                time.sleep(_SHORTEST_POLL_SECONDS)
        except (RcloneRefusedError, RcloneUnreachableError):
            # Finished, or gone with its process.
            return


def _step(calls: Sequence[MethodCall], at_once: int) -> dict[str, Any]:
    inputs = [{"_path": method, **parameters} for method, parameters in calls]
    if len(inputs) == 1:
        return inputs[0]
    return {"_path": "job/batch", "concurrency": at_once, "inputs": inputs}


def _results(
    calls: Sequence[MethodCall], answer: Mapping[str, Any]
) -> list[dict[str, Any] | RcloneRefusedError]:
    answers = [answer] * len(calls) if len(calls) == 1 or "error" in answer else answer["results"]
    return [_result(each) for each in answers]


def _result(answer: Mapping[str, Any]) -> dict[str, Any] | RcloneRefusedError:
    if "error" in answer:
        return RcloneRefusedError(str(answer["error"]), int(answer.get("status", 500)))
    return dict(answer)


def _wait_for_answer(connection: http.client.HTTPConnection, meanwhile: Callable[[], None]) -> None:
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    try:
        while not poll.poll(1_000 * _LONGEST_POLL_SECONDS):
            meanwhile()
    except BaseException:
        # rclone ends what nobody waits for any more.
        connection.close()
        raise


def new_group() -> str:
    """Return the name of a group that no other request has."""
    return f"sync_assets-{secrets.token_hex(8)}"
