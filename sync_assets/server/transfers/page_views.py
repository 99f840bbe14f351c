"""What the page "Transfers" shows of a download and its uploads: words, numbers and buttons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import (
    OPEN_DOWNLOADS,
    OPEN_UPLOADS,
    DownloadState,
    ReasonCode,
    UploadState,
)
from sync_assets.server.transfers.answers import shown_link
from sync_assets.server.transfers.downloads import DownloadAction
from sync_assets.server.transfers.uploads import UploadAction

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")

_TONES = {
    "downloading": "busy",
    "uploading": "busy",
    "completed": "good",
    "cleaned": "good",
    "failed": "bad",
    "paused": "warn",
}
_LABELS = {
    "pending": "Pending",
    "waiting": "Waiting",
    "waiting_download": "Waits for the download",
    "downloading": "Downloading",
    "uploading": "Uploading",
    "paused": "Paused",
    "completed": "Completed",
    "cleaned": "Completed, removed here",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


class Shown(StrEnum):
    """Which downloads the page shows."""

    ALL = "all"
    OPEN = "open"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


STATES_SHOWN: Mapping[Shown, Sequence[DownloadState]] = {
    Shown.ALL: (),
    Shown.OPEN: OPEN_DOWNLOADS,
    Shown.PAUSED: (DownloadState.PAUSED,),
    Shown.COMPLETED: (DownloadState.COMPLETED,),
    Shown.FAILED: (DownloadState.FAILED,),
    Shown.CANCELLED: (DownloadState.CANCELLED,),
}


@dataclass(frozen=True)
class Button:
    """Something that can be done.

    Attributes:
        action: The last part of its address.
        label: What it is called.
    """

    action: str
    label: str


@dataclass(frozen=True)
class ProgressView:
    """How far a transfer is.

    Attributes:
        done: Bytes.
        total: Bytes; 0 where that is not known.
        text: The same in words, with rate and time left.
    """

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class TransferView:
    """An upload, or what a download has in common with one.

    Attributes:
        id: Its id.
        kind: `download` or `upload`.
        name: The file, or the target.
        state: Its state.
        label: The state in words.
        tone: The tone of its badge.
        progress: How far it is; None where there is nothing to show.
        reason: Why it is not completed.
        not_before: When it is tried again.
        buttons: What can be done.
    """

    id: int
    kind: str
    name: str
    state: str
    label: str
    tone: str
    progress: ProgressView | None
    reason: str | None
    not_before: datetime | None
    buttons: Sequence[Button]


@dataclass(frozen=True)
class DownloadView:
    """A download with its uploads.

    Attributes:
        transfer: The download.
        uploads: Its uploads.
        origin: Where it comes from, in words.
        link: Its link without secrets; None where it has none.
        arrived_at: When its medium arrived.
        size: The size of what is completed; else empty.
        is_deletable: Whether it has ended.
        has_file: Whether its file is here.
    """

    transfer: TransferView
    uploads: Sequence[TransferView]
    origin: str
    link: str | None
    arrived_at: datetime
    size: str
    is_deletable: bool
    has_file: bool


def download_view(row: AnyRow, uploads: Sequence[AnyRow]) -> DownloadView:
    """Make what the page shows of a download.

    Args:
        row: The download, as `listing` gives it.
        uploads: Its uploads.
    """
    link = shown_link(row.media_link)
    transfer = TransferView(
        id=row.id,
        kind="download",
        name=row.media_name or link or f"Download {row.id}",
        state=row.state,
        label=_LABELS[row.state],
        tone=_TONES.get(row.state, "quiet"),
        progress=_progress(
            row.completed_bytes,
            row.total_bytes or row.expected_bytes,
            row.bytes_per_second,
            is_shown=row.state in OPEN_DOWNLOADS,
        ),
        reason=row.reason,
        not_before=_in_future(row.not_before),
        buttons=_download_buttons(row),
    )
    return DownloadView(
        transfer=transfer,
        uploads=[_upload_view(upload) for upload in uploads],
        origin=row.media_source
        if row.media_sender is None
        else f"{row.media_source}, {row.media_sender}",
        link=link,
        arrived_at=row.media_arrived_at,
        size=size_text(row.completed_bytes) if row.state == DownloadState.COMPLETED else "",
        is_deletable=row.state not in OPEN_DOWNLOADS,
        has_file=row.state == DownloadState.COMPLETED and row.cleaned_at is None,
    )


def size_text(size: float) -> str:
    """Say a number of bytes in the unit that fits.

    Args:
        size: Bytes.
    """
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size /= 1024
        power += 1
    return (
        f"{size:.0f} {_UNITS[power]}"
        if power == 0 or size >= 100
        else f"{size:.1f} {_UNITS[power]}"
    )


def _upload_view(row: AnyRow) -> TransferView:
    return TransferView(
        id=row.id,
        kind="upload",
        name=row.target,
        state=row.state,
        label=_LABELS[row.state],
        tone=_TONES.get(row.state, "quiet"),
        progress=_progress(
            row.uploaded_bytes,
            row.total_bytes,
            row.bytes_per_second,
            is_shown=row.state in (UploadState.UPLOADING, UploadState.PAUSED),
        ),
        reason=row.failure_reason,
        not_before=_in_future(row.not_before),
        buttons=_upload_buttons(row),
    )


def _download_buttons(row: AnyRow) -> list[Button]:
    buttons = []
    if row.state == DownloadState.PAUSED:
        buttons.append(Button(DownloadAction.RESUME, "Resume"))
    elif row.state in OPEN_DOWNLOADS:
        if _in_future(row.not_before):
            buttons.append(Button(DownloadAction.RETRY, "Try now"))
        buttons.append(Button(DownloadAction.PAUSE, "Pause"))
    elif row.state in (DownloadState.FAILED, DownloadState.CANCELLED):
        buttons.append(Button(DownloadAction.RETRY, "Retry"))
    if row.state in (*OPEN_DOWNLOADS, DownloadState.FAILED):
        buttons.append(Button(DownloadAction.CANCEL, "Cancel"))
    return buttons


def _upload_buttons(row: AnyRow) -> list[Button]:
    buttons = []
    if row.state == UploadState.PAUSED:
        buttons.append(Button(UploadAction.RESUME, "Resume"))
    elif row.state in OPEN_UPLOADS:
        if row.state == UploadState.PENDING and _in_future(row.not_before):
            buttons.append(Button(UploadAction.RETRY, "Try now"))
        buttons.append(Button(UploadAction.PAUSE, "Pause"))
    elif row.state in (UploadState.FAILED, UploadState.CANCELLED):
        buttons.append(Button(UploadAction.RETRY, "Retry"))
        if row.failure_code == ReasonCode.ANSWER_LOST:
            buttons.append(Button(UploadAction.CONFIRM, "It is there"))
    if row.state in (*OPEN_UPLOADS, UploadState.FAILED):
        buttons.append(Button(UploadAction.CANCEL, "Cancel"))
    return buttons


def _progress(done: int, total: int | None, speed: int, *, is_shown: bool) -> ProgressView | None:
    if not is_shown or not (done or total):
        return None
    if not total:
        return ProgressView(done, 0, size_text(done))
    if done >= total:
        return ProgressView(total, total, size_text(total))
    parts = [f"{100 * done // total} %", f"{size_text(done)} of {size_text(total)}"]
    if speed:
        parts += [f"{size_text(speed)}/s", f"{_time_text((total - done) / speed)} left"]
    return ProgressView(done, total, " · ".join(parts))


def _time_text(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _in_future(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment > utc_now() else None
