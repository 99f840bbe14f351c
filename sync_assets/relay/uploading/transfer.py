"""One upload under way, as its thread and the worker's loop see it."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sync_assets.relay.uploading.outcomes import Stopped, UploadOutcome

PROGRESS_SECONDS = 0.5
"""How often progress is reported, and written."""
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
        holds_slot: Whether it has a slot, for itself and those that are sent with it.
        had_slot: Whether it has begun.
    """

    slots: threading.Semaphore
    is_first: bool = False
    uploaded_bytes: int = 0
    bytes_per_second: int = 0
    stopped_with: UploadOutcome = field(default_factory=Stopped)
    holds_slot: bool = False
    had_slot: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    _reported_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def slot(self) -> Generator[None]:
        """Wait for a slot, and have it for the length of a block; after an error until `end`.

        Raises:
            StoppedError: Somebody has stopped it meanwhile.
        """
        if not take_slot([self]):
            raise StoppedError
        yield
        self.end()

    def begin(self) -> bool:
        """Note that it has a slot; tell whether nobody has stopped it before."""
        with self._lock:
            self.had_slot = not self._stop.is_set()
        return self.had_slot

    def end(self) -> None:
        """Give the slot back, if it has one."""
        if self.holds_slot:
            self.holds_slot = False
            self.slots.release()

    def hold_back(self, outcome: UploadOutcome) -> None:
        """Stop it, unless it has had a slot.

        Args:
            outcome: What has become of it then.
        """
        with self._lock:
            if not self.had_slot and not self._stop.is_set():
                self.stopped_with = outcome
                self._stop.set()

    def stop(self) -> None:
        """Let the thread stop at its next opportunity."""
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has stopped it."""
        return self._stop.is_set()

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
        if now - self._reported_at < PROGRESS_SECONDS:
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


def take_slot(transfers: Sequence[Transfer]) -> Sequence[Transfer]:
    """Wait for one slot for uploads that are sent together.

    Args:
        transfers: The uploads, at least one. The first one has the slot until its `end`, which is
            wanted in any case.

    Returns:
        Those that nobody has stopped meanwhile.
    """
    first = transfers[0]
    while not first.slots.acquire(timeout=_SLOT_SECONDS):
        if all(each.is_stopped for each in transfers):
            return []
    first.holds_slot = True
    return [each for each in transfers if each.begin()]
