"""How other domains tell that a file of a storage has changed: `strm.notify`."""

import uuid

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import Delivery, store
from sync_assets.strm.events.parsing import ChangeKind, UnusablePathError, checked_path
from sync_assets.strm.events.waiting import INTERNAL

_KINDS = (ChangeKind.CREATE, ChangeKind.DELETE, ChangeKind.UPDATE)


class UnusableNotificationError(SyncError):
    """The caller named something that no library can hold."""


def notify(
    ledger: Ledger,
    path: str,
    kind: ChangeKind | str,
    *,
    is_directory: bool | None = None,
    event_id: str | None = None,
) -> bool:
    """Tell the STRM jobs that something changed; the next event run puts it on the shelf.

    Args:
        ledger: The ledger.
        path: What changed, absolute, in the terms of the jobs' `event_root`.
        kind: `create`, `delete` or `update`.
        is_directory: Whether it is a directory, where that is known.
        event_id: What makes this change unique, such as `upload-17`: the same id again changes
            nothing. Without it, every call is a change of its own.

    Returns:
        Whether it was stored; False where it was before.

    Raises:
        UnusableNotificationError: The path or the kind cannot be used.
        LedgerUnavailableError: It could not be stored.
    """
    if kind not in _KINDS:
        raise _unusable(path, f"{kind!r} is not a kind of change")
    try:
        payload = {"path": checked_path(path), "action": str(kind)}
    except UnusablePathError as error:
        raise _unusable(path, str(error)) from error
    delivery = Delivery(
        INTERNAL,
        event_id or uuid.uuid4().hex,
        payload if is_directory is None else {**payload, "is_dir": is_directory},
    )
    with ledger.write() as connection:
        return store(connection, [delivery])[0] is not None


def _unusable(path: str, reason: str) -> UnusableNotificationError:
    return UnusableNotificationError(
        f"The STRM jobs cannot be told of {path!r}: {reason}.",
        remedy=f"Name an absolute path of the storage, and one of: {', '.join(_KINDS)}.",
    )
