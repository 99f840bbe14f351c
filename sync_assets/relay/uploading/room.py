"""How many uploads may be under way: reckoned anew in each step of the worker's loop."""

from collections import Counter

from sync_assets.relay.uploading.targets import Target

# While some are sent, others are verified and moved; and there must be enough until the next step:
# many, where they are small; few for each target, as long as it has not taken any.
_UNDER_WAY_PER_SLOT = 32
_UNDER_WAY_BYTES_PER_SLOT = 64 * 1024 * 1024
_FEW_PER_SLOT = 4


def few_under_way(slots: int) -> int:
    """Return how many are so few that the slots may soon have nothing to do.

    Args:
        slots: How many may be sent at a time.
    """
    return _FEW_PER_SLOT * slots


def most_under_way(slots: int) -> int:
    """Return how many may be under way at most.

    Args:
        slots: How many may be sent at a time.
    """
    return _UNDER_WAY_PER_SLOT * slots


class Room:
    """What is under way, and what has room beside it.

    Args:
        slots: How many may be sent at a time.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._counts_by_target: Counter[int] = Counter()
        self._count = 0
        self._bytes = 0
        self._exclusive = 0

    def take(self, target: Target, size_bytes: int) -> None:
        """Count an upload that is under way, or is about to be.

        Args:
            target: Its target.
            size_bytes: Its size.
        """
        self._counts_by_target[id(target)] += 1
        self._count += 1
        self._bytes += size_bytes
        self._exclusive += target.lost_answer is not None

    def is_for(self, target: Target) -> bool:
        """Tell whether one more upload may begin.

        Args:
            target: Its target.
        """
        if target.lost_answer is not None:
            # What has begun there when a worker is killed counts as lost: so none waits for a slot.
            return self._exclusive < self._slots
        if self._counts_by_target[id(target)] < few_under_way(self._slots):
            return True
        return (
            target.takes_files
            and self._count < most_under_way(self._slots)
            and self._bytes < _UNDER_WAY_BYTES_PER_SLOT * self._slots
        )
