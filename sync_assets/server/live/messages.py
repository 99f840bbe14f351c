"""What clients of the live updates get, as JSON; made once for all of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fastapi.sse import format_sse_event

from sync_assets.ledger.events import RecordedEvent
from sync_assets.ledger.types import AnyRow


@dataclass(frozen=True)
class Message:
    """One update, in the form of each kind of stream.

    Attributes:
        kind: `event`, `download`, `upload` or `statistics`.
        data: Its content as JSON: an object.
    """

    kind: str
    data: str

    @cached_property
    def text(self) -> str:
        """The JSON object for a WebSocket: the content with its kind as `type`."""
        return f'{{"type":"{self.kind}",{self.data[1:]}'

    @cached_property
    def server_sent(self) -> bytes:
        """The server-sent event; without an id, since it is no row of the history."""
        return format_sse_event(event=self.kind, data_str=self.data)


def event_data(row: RecordedEvent) -> str:
    """Return a row of the history as JSON.

    Args:
        row: The row.
    """
    return json.dumps(
        {
            "id": row.id,
            "recorded_at": row.recorded_at.isoformat(),
            "entity": row.entity,
            "entity_id": row.entity_id,
            "state": row.state,
            "previous_state": row.previous_state,
            "run_id": row.run_id,
            "detail": row.detail,
        }
    )


def download_message(row: AnyRow) -> Message:
    """Say how far a download is.

    Args:
        row: Its columns.
    """
    return _message(
        "download",
        gid=row.gid,
        id=row.id,
        status=row.state,
        completed=row.completed_bytes,
        total=row.total_bytes,
        speed=row.bytes_per_second,
    )


def upload_message(row: AnyRow) -> Message:
    """Say how far an upload is.

    Args:
        row: Its columns.
    """
    return _message(
        "upload",
        id=row.id,
        download_id=row.download_id,
        status=row.state,
        uploaded=row.uploaded_bytes,
        total=row.total_bytes,
        speed=row.bytes_per_second,
        cleaned_at=_time(row.cleaned_at),
    )


def deleted_message(event: RecordedEvent) -> Message:
    """Say that the record of a transfer is gone.

    Args:
        event: Its deletion.
    """
    kind = event.entity.removeprefix("relay_")
    return _message(kind, id=int(event.entity_id), status=event.state)


def statistics_message(
    downloads: Mapping[str, int],
    uploads: Mapping[str, int],
    *,
    download_speed: int,
    upload_speed: int,
) -> Message:
    """Say how many transfers are in which state, and how fast they are together.

    Args:
        downloads: How many downloads are in each state.
        uploads: How many uploads are in each state.
        download_speed: Bytes per second of all downloads.
        upload_speed: Bytes per second of all uploads.
    """
    return _message(
        "statistics",
        downloads={"states": downloads, "speed": download_speed},
        uploads={"states": uploads, "speed": upload_speed},
    )


def batch_text(last_event_id: int, messages: Sequence[Message]) -> str:
    """Return one message of a WebSocket that holds several updates.

    Args:
        last_event_id: The last row of the history that the client has with it.
        messages: The updates.
    """
    updates = ",".join(message.text for message in messages)
    return f'{{"last_event_id":{last_event_id},"updates":[{updates}]}}'


def _message(kind: str, **fields: Any) -> Message:
    return Message(kind, json.dumps(fields, separators=(",", ":")))


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
