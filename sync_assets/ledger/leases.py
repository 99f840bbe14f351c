"""Leases: what must not overlap, held across processes and machines.

Dagster's pools hold only the runs that its queue starts. A lease also holds runs from the command
line. It is renewed while its holder lives, freed at once when the holder's process is seen to be
gone, and otherwise when it expires.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.engine import Ledger, LedgerUnavailableError
from sync_assets.ledger.schema import leases
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.processes import may_be_running, process_identity

DURATION_SECONDS = 60.0
_POLL_SECONDS = 0.25


class LeaseHeldError(SyncError):
    """Somebody else holds the lease."""


class LeaseLostError(SyncError):
    """The lease expired while its holder still worked, and may be somebody else's now."""


@dataclass
class Lease:
    """A lease that this process holds.

    Attributes:
        name: What it covers.
        holder: Who holds it, unique for each acquisition.
    """

    name: str
    holder: str
    _ledger: Ledger
    _lost: threading.Event

    def require(self) -> None:
        """Make sure that the lease is still held; call it before anything that cannot be undone.

        Raises:
            LeaseLostError: It is not.
        """
        # Asked of the ledger: after a pause this thread may run before the one that renews.
        with self._ledger.read() as connection:
            query = select(leases.c.holder).where(leases.c.name == self.name)
            holder = connection.execute(query).scalar()
        if self._lost.is_set() or holder != self.holder:
            raise LeaseLostError(
                f"The lease {self.name!r} was lost while {self.holder} worked: this machine slept "
                "or could not write to the ledger for too long.",
                remedy="Run it again; what was done is recorded.",
            )


@contextmanager
def hold_lease(
    ledger: Ledger,
    name: str,
    *,
    purpose: str,
    wait_seconds: float = 0.0,
    duration_seconds: float = DURATION_SECONDS,
) -> Generator[Lease]:
    """Hold a lease for the length of a block.

    Args:
        ledger: The ledger that holds the lease.
        name: What must not overlap, such as `strm`.
        purpose: Who wants it, for the others' messages, such as `run 1f0c…`.
        wait_seconds: How long to wait for another holder.
        duration_seconds: How long it lasts without renewal.

    Yields:
        The lease.

    Raises:
        LeaseHeldError: Another holder kept it for the whole wait.
    """
    holder = f"{purpose} [{uuid.uuid4().hex[:8]}]"
    deadline = time.monotonic() + wait_seconds
    while (other := _acquire(ledger, name, holder, duration_seconds)) is not None:
        if time.monotonic() >= deadline:
            raise _held(name, other)
        time.sleep(_POLL_SECONDS)
    lease = Lease(name, holder, ledger, threading.Event())
    stop = threading.Event()
    renewer = threading.Thread(
        target=_renew, args=(ledger, lease, stop, duration_seconds), name=f"lease-{name}"
    )
    renewer.start()
    try:
        yield lease
    finally:
        stop.set()
        renewer.join()
        with ledger.write() as connection:
            free_lease(connection, name, holder)


def take_lease(connection: Connection, name: str, *, purpose: str, duration_seconds: float) -> str:
    """Take a lease in the caller's transaction, for work that is too short to renew it.

    Args:
        connection: A writing transaction of the ledger.
        name: What must not overlap.
        purpose: Who wants it, for the others' messages.
        duration_seconds: How long it lasts, unless its holder's process is gone before.

    Returns:
        The holder, for `free_lease`.

    Raises:
        LeaseHeldError: Somebody else holds it.
    """
    other = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if other is not None and _is_alive(other):
        raise _held(name, other)
    holder = f"{purpose} [{uuid.uuid4().hex[:8]}]"
    _replace(connection, name, holder, duration_seconds)
    return holder


def free_lease(connection: Connection, name: str, holder: str) -> None:
    """Free a lease; one that is somebody else's by now stays.

    Args:
        connection: A writing transaction of the ledger.
        name: What it covers.
        holder: What `take_lease` returned.
    """
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def is_held(connection: Connection, name: str) -> bool:
    """Tell whether anybody holds a lease now.

    Args:
        connection: A transaction of the ledger.
        name: What it covers.
    """
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    return row is not None and _is_alive(row)


def _held(name: str, other: AnyRow) -> LeaseHeldError:
    return LeaseHeldError(
        f"{name} is in use by {other.holder} (process {other.process_id} on {other.host}, "
        f"since {other.acquired_at:%Y-%m-%d %H:%M:%S} UTC).",
        remedy="Wait until it has finished, or cancel that run.",
    )


def _acquire(ledger: Ledger, name: str, holder: str, duration_seconds: float) -> AnyRow | None:
    """Take the lease, or return the row of whoever holds it."""
    with ledger.write() as connection:
        current = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
        if current is not None and _is_alive(current):
            return current
        _replace(connection, name, holder, duration_seconds)
    return None


def _replace(connection: Connection, name: str, holder: str, duration_seconds: float) -> None:
    now = utc_now()
    connection.execute(delete(leases).where(leases.c.name == name))
    connection.execute(
        insert(leases).values(
            name=name,
            holder=holder,
            host=socket.gethostname(),
            process_id=os.getpid(),
            process_identity=process_identity(os.getpid()) or "",
            acquired_at=now,
            expires_at=now + timedelta(seconds=duration_seconds),
        )
    )


def _is_alive(row: AnyRow) -> bool:
    if row.expires_at <= utc_now():
        return False
    if row.host != socket.gethostname():
        return True
    return may_be_running(row.process_id, row.process_identity)


def _renew(ledger: Ledger, lease: Lease, stop: threading.Event, duration_seconds: float) -> None:
    renewed_at = time.monotonic()
    while not stop.wait(duration_seconds / 4):
        try:
            with ledger.write() as connection:
                changed = connection.execute(
                    update(leases)
                    .where(leases.c.name == lease.name, leases.c.holder == lease.holder)
                    .values(expires_at=utc_now() + timedelta(seconds=duration_seconds))
                ).rowcount
        except LedgerUnavailableError:
            if time.monotonic() - renewed_at < duration_seconds:
                continue
            changed = 0
        if changed == 0:
            lease._lost.set()  # noqa: SLF001 - the other half of `require`
            return
        renewed_at = time.monotonic()
