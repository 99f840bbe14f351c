"""rclone's remote control, as https://rclone.org/rc/ says.

Jobs are numbered from 1 in each process, so that a number alone may mean another job after a
restart: each job has a group of its own, by which it is known.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any

import httpx
from pydantic import SecretStr

from sync_assets.errors import SyncError

_CONNECT_SECONDS = 10.0
# A request may list a large folder, or wait until rclone has tried a slow storage ten times.
_ANSWER_SECONDS = 600.0
_SHORTEST_POLL_SECONDS = 0.01
_LONGEST_POLL_SECONDS = 0.25
_STOP_SECONDS = 10.0


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


class RcloneClient:
    """A connection to one rclone; for several threads at once.

    Args:
        url: Its address.
        user: Its user.
        password: The user's password.
    """

    def __init__(self, url: str, user: str, password: SecretStr) -> None:
        self._client = httpx.Client(
            base_url=url,
            auth=(user, password.get_secret_value()),
            timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method, and wait for its result.

        Args:
            method: Such as `operations/stat`.
            **parameters: What it takes.

        Returns:
            Its result.

        Raises:
            RcloneRefusedError: It failed.
            RcloneUnreachableError: No answer came; it may have had its effect.
        """
        try:
            answer = self._client.post(f"/{method}", json=parameters)
            content = answer.json()
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            # RuntimeError: another thread has found it gone, and closed the connections.
            raise RcloneUnreachableError(
                f"rclone does not answer: {type(error).__name__}.",
                remedy="Nothing to do: it is started again.",
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise RcloneRefusedError(str(content.get("error", "")), answer.status_code)
        return content

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
        group = f"sync_assets-{secrets.token_hex(8)}"
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

    def _wait(
        self, job_id: int, group: str, meanwhile: Callable[[str], None] | None
    ) -> dict[str, Any]:
        pause = _SHORTEST_POLL_SECONDS
        while not (status := self._status(job_id, group))["finished"]:
            if meanwhile is not None:
                meanwhile(group)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
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
