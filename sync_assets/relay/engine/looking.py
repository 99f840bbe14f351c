"""What aria2 says at the beginning of a step, and what it is to be told at its end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.aria2.rpc import Aria2Client, Aria2UnreachableError
from sync_assets.relay.aria2.tasks import Task, TaskStatus, look_at

_QUEUED_PER_SLOT = 20
_FIRST_PER_SLOT = 4

AT_WORK = (TaskStatus.ACTIVE, TaskStatus.WAITING)
"""What a task is that aria2 works on, or will by itself."""


class Aria2Source(Protocol):
    """Whatever gives a connection to a running aria2.

    Attributes:
        keeps_tasks: Whether it may bring tasks back when it is started again.
    """

    keeps_tasks: bool

    def prepare(self) -> None:
        """Begin to start it, where it does not run; a connection waits until it has started."""
        ...

    def client(self) -> Aria2Client:
        """Return the connection."""
        ...

    def reconnect(self) -> Aria2Client:
        """Return a connection after the last one has failed; start a private aria2 again."""
        ...


@dataclass
class Step:
    """What is known during one step, and what aria2 is to be told at its end.

    Attributes:
        client: The connection.
        session: Which start of aria2 this is.
        tasks: Its tasks, by gid.
        forget: The gids whose results it is to forget.
        starting: The downloads that it is to be given.
    """

    client: Aria2Client
    session: str
    tasks: dict[str, Task]
    forget: list[str] = field(default_factory=list)
    starting: list[AnyRow] = field(default_factory=list)

    @cached_property
    def had_at_work(self) -> int:
        """How many tasks it had to do at the beginning of the step."""
        return sum(task.status in AT_WORK for task in self.tasks.values())

    @property
    def at_work(self) -> int:
        """How many tasks it has to do, with those that it is to be given."""
        return self.had_at_work + len(self.starting)

    def has_room(self, slots: int, *, is_first: bool) -> bool:
        """Tell whether it is to be given one more.

        Args:
            slots: How many downloads it works on at a time.
            is_first: Whether it is the first step: aria2 gets some at once, and its queue while it
                works on these.
        """
        return self.at_work < (_FIRST_PER_SLOT * slots if is_first else most_at_work(slots))


def most_at_work(slots: int) -> int:
    """Return how many tasks aria2 is to have.

    Args:
        slots: How many downloads it works on at a time.
    """
    return _QUEUED_PER_SLOT * slots


def look(aria2: Aria2Source, rows: Sequence[AnyRow]) -> Step:
    """Ask aria2 for downloads.

    Args:
        aria2: Where it is; a private one that does not answer is started again.
        rows: The downloads.

    Returns:
        The beginning of a step.

    Raises:
        Aria2StartError: aria2 does not start.
        Aria2UnreachableError: A configured aria2 does not answer.
    """
    gids = [row.gid for row in rows if row.started_at is not None]
    torrents = {row.gid for row in rows if row.media_torrent is not None}
    client = aria2.client()
    try:
        return Step(client, *look_at(client, gids, with_files=torrents))
    except Aria2UnreachableError:
        client = aria2.reconnect()
        return Step(client, *look_at(client, gids, with_files=torrents))
