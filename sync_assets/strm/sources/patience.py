"""Wait for the operating system, but not for ever: a mount that hangs never answers."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class GaveUpError(Exception):
    """There was no answer in time, now or before."""


class Patience:
    """Calls functions in a thread of its own, and gives up on them when one takes too long.

    Nothing can end a thread that waits in the kernel for a drive. It is left alone, ends with the
    process, and nothing is asked of it again.

    Args:
        seconds: How long an answer may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._questions: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._is_started = False
        self._gave_up = False

    def call(self, function: Callable[[], _Result]) -> _Result:
        """Call a function that may block, and that changes nothing.

        Args:
            function: What to call.

        Returns:
            What it returned; what it raises is raised here.

        Raises:
            GaveUpError: It took too long.
        """
        if self._gave_up:
            raise GaveUpError
        if not self._is_started:
            threading.Thread(target=self._serve, name="strm-folder", daemon=True).start()
            self._is_started = True
        answer: Future[_Result] = Future()
        self._questions.put((function, answer))
        try:
            return answer.result(timeout=self._seconds)
        except TimeoutError:
            if answer.done():
                # The function's own: what the file system says when its server does not answer.
                return answer.result()
            self._gave_up = True
            raise GaveUpError from None

    def close(self) -> None:
        """Let the thread end, as soon as it can."""
        self._questions.put(None)

    def _serve(self) -> None:
        for function, answer in iter(self._questions.get, None):
            try:
                answer.set_result(function())
            except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
                answer.set_exception(error)
