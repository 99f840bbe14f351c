"""One upload under way, as its thread and the worker's loop see it."""

import threading
import time
from dataclasses import dataclass, field

_PROGRESS_SECONDS = 0.5


class StoppedError(Exception):
    """The upload is to stop."""


@dataclass
class Transfer:
    """What a thread and the loop tell each other.

    Attributes:
        is_first: Whether nothing can be at the target from an earlier attempt.
        uploaded_bytes: How much is at the target.
        bytes_per_second: How fast it gets there.
    """

    is_first: bool = False
    uploaded_bytes: int = 0
    bytes_per_second: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _reported_at: float = 0.0

    def stop(self) -> None:
        """Let the thread stop at its next opportunity."""
        self._stop.set()

    def require(self) -> None:
        """Go on only if nobody has stopped it.

        Raises:
            StoppedError: Somebody has.
        """
        if self._stop.is_set():
            raise StoppedError

    def wait(self, seconds: float) -> None:
        """Wait, unless somebody stops it.

        Args:
            seconds: How long.

        Raises:
            StoppedError: Somebody has.
        """
        self._stop.wait(seconds)
        self.require()

    def is_report_due(self) -> bool:
        """Tell whether it is time to report progress again; true once each time."""
        now = time.monotonic()
        if now - self._reported_at < _PROGRESS_SECONDS:
            return False
        self._reported_at = now
        return True

    def report(self, uploaded_bytes: int, bytes_per_second: int) -> None:
        """Report how far it is.

        Args:
            uploaded_bytes: How much is at the target.
            bytes_per_second: How fast it gets there.
        """
        self.uploaded_bytes, self.bytes_per_second = uploaded_bytes, bytes_per_second
