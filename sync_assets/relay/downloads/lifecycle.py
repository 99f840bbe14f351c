"""The lifecycle of a download, and what its rows have in common."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, update

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import relay_downloads
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState, Reason

_UNFINISHED = frozenset(OPEN_DOWNLOADS)
_ENDS = {DownloadState.COMPLETED, DownloadState.FAILED, DownloadState.CANCELLED}

DOWNLOADS = Lifecycle(
    "relay_download",
    states=DownloadState,
    initial={DownloadState.PENDING},
    transitions={
        # aria2 may be anywhere by the time it is asked: from one open state to every other one.
        **{state: (_UNFINISHED | _ENDS) - {state} for state in OPEN_DOWNLOADS},
        DownloadState.COMPLETED: {DownloadState.FAILED},
        DownloadState.FAILED: {DownloadState.PENDING, DownloadState.CANCELLED},
        DownloadState.CANCELLED: {DownloadState.PENDING},
    },
)
DOWNLOADS.bind(relay_downloads)

IDLE: Mapping[str, Any] = {"bytes_per_second": 0}
"""What a download is that does not move."""


def set_columns(connection: Connection, download_id: int, **values: Any) -> None:
    """Set columns of a download; changes no state and leaves no event.

    Args:
        connection: A writing transaction of the ledger.
        download_id: Which.
        **values: The columns to set.
    """
    connection.execute(
        update(relay_downloads).where(relay_downloads.c.id == download_id).values(**values)
    )


def reason_columns(reason: Reason | None) -> dict[str, Any]:
    """Return the columns that hold a reason.

    Args:
        reason: The reason; None for none.
    """
    return {
        "reason_code": reason.code if reason else None,
        "reason": reason.text if reason else None,
    }
