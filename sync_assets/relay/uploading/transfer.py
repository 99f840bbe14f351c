"""One upload under way, as its thread and the worker's loop see it."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sync_assets.relay.uploading.outcomes import Stopped, UploadOutcome

_PROGRESS_SECONDS = 0.5
_SLOT_SECONDS = 0.2


class StoppedError(Exception):
    """The upload is to stop."""


@dataclass
class Transfer:
    """What a thread and the loop tell each other.

    Attributes:
        slots: How many may be sent at a time.
        is_first: Whether nothing can be at the target from an earlier attempt.
        uploaded_bytes: How much is at the target.
        bytes_per_second: How fast it gets there.
        stopped_with: What has become of it when it is stopped.
    """

    slots: threading.Semaphore
    is_first: bool = False
    uploaded_bytes: int = 0
    bytes_per_second: int = 0
    stopped_with: UploadOutcome = field(default_factory=Stopped)
    _stop: threading.Event = field(default_factory=threading.Event)
    _reported_at: float = 0.0
    _holds_slot: bool = False
    _had_slot: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def slot(self) -> Generator[None]:
        """Wait for a slot, and have it for the length of a block; after an error until `end`.

        Raises:
            StoppedError: Somebody has stopped it meanwhile.
        """
        while not self.slots.acquire(timeout=_SLOT_SECONDS):
            self.require()
        self._holds_slot = True
        with self._lock:
            self.require()
            self._had_slot = True
        yield
        self.end()

    def end(self) -> None:
        """Give the slot back, if it has one."""
        if self._holds_slot:
            self._holds_slot = False
            self.slots.release()

    def hold_back(self, outcome: UploadOutcome) -> None:
        """Stop it, unless it has had a slot.

        Args:
            outcome: What has become of it then.
        """
        with self._lock:
            if not self._had_slot and not self._stop.is_set():
                self.stopped_with = outcome
                self._stop.set()

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
