"""What can go wrong at Pixiv, and for how many requests."""

import re
import threading
from dataclasses import dataclass, field

RATE_LIMIT_BODY = b'{"error": {"user_message": "", "message": "Rate Limit", "reason": ""}}'
HTML = b"<!DOCTYPE html><html><body>Just a moment...</body></html>"


@dataclass
class Fault:
    """One way in which requests fail.

    Attributes:
        pattern: Regular expression, searched in host and target of a request.
        times: How many requests it hits; -1 for all.
        after: How many matching requests are answered as usual before.
        status: The status to answer with.
        body: The body to answer with.
        content_type: Its type.
        cut_after: Close the connection after so many bytes of the true body.
        delay_seconds: Answer only after so long.
        reset: Reset the connection instead of answering.
    """

    pattern: str
    times: int = 1
    after: int = 0
    status: int | None = None
    body: bytes = b"{}"
    content_type: str = "application/json"
    cut_after: int | None = None
    delay_seconds: float = 0
    reset: bool = False


@dataclass
class Faults:
    """The faults that are switched on now."""

    active: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._lock:
            self.active.append(fault)

    def clear(self) -> None:
        with self._lock:
            self.active.clear()

    def take(self, request: str) -> Fault | None:
        """Return the fault that hits a request, and count it."""
        with self._lock:
            for fault in self.active:
                if fault.times == 0 or not re.search(fault.pattern, request):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None
