"""What the API says of media, downloads and uploads; secrets of links are left out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from sync_assets.addresses import shown_url
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import (
    DownloadKind,
    DownloadState,
    MediaState,
    ReasonCode,
    UploadState,
)

_UPLOAD_EXAMPLE: dict[str, Any] = {
    "id": 31,
    "download_id": 17,
    "media_id": 12,
    "target": "onedrive",
    "state": "uploading",
    "is_required": True,
    "uploaded_bytes": 104_857_600,
    "total_bytes": 734_003_200,
    "bytes_per_second": 5_242_880,
    "remote_path": None,
    "attempts": 0,
    "retries": 0,
    "failure_code": None,
    "failure_reason": None,
    "verified_by": None,
    "created_at": "2026-11-22T10:00:00Z",
    "changed_at": "2026-11-22T10:05:00Z",
    "not_before": None,
    "completed_at": None,
    "cleaned_at": None,
}
_DOWNLOAD_EXAMPLE: dict[str, Any] = {
    "id": 17,
    "media_id": 12,
    "gid": "2089b05ecca3d829",
    "name": "A Film (1999).mkv",
    "kind": "http",
    "day": "2026-11-22",
    "source": "api",
    "link": "https://example.org/films/A%20Film%20(1999).mkv",
    "state": "completed",
    "completed_bytes": 734_003_200,
    "total_bytes": 734_003_200,
    "bytes_per_second": 0,
    "attempts": 0,
    "retries": 0,
    "reason_code": None,
    "reason": None,
    "path": "/srv/downloads/relay/2089b05ecca3d829/A Film (1999).mkv",
    "checksum": "sha-256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-11-22T10:00:00Z",
    "changed_at": "2026-11-22T10:04:00Z",
    "started_at": "2026-11-22T10:00:01Z",
    "not_before": None,
    "completed_at": "2026-11-22T10:04:00Z",
    "cleaned_at": None,
    "uploads": [_UPLOAD_EXAMPLE],
}


class UploadAnswer(BaseModel):
    """An upload of a download to one of its targets."""

    model_config = ConfigDict(json_schema_extra={"example": _UPLOAD_EXAMPLE})

    id: int
    download_id: int
    media_id: int
    target: str = Field(description="The target's name in the configuration.")
    state: UploadState
    is_required: bool = Field(description="Whether the local file stays until this is verified.")
    uploaded_bytes: int
    total_bytes: int | None
    bytes_per_second: int
    remote_path: str | None = Field(description="Where it is at the target, once it is known.")
    attempts: int = Field(description="Failed attempts since the last retry.")
    retries: int = Field(description="How often a user wanted it to be tried again.")
    failure_code: str | None
    failure_reason: str | None = Field(description="What went wrong and what to do.")
    verified_by: str | None = Field(description="How it was verified, such as a hash's name.")
    created_at: datetime
    changed_at: datetime = Field(description="When the state last changed.")
    not_before: datetime | None = Field(description="It is not tried again before this time.")
    completed_at: datetime | None
    cleaned_at: datetime | None = Field(description="When the local file was removed.")


class DownloadAnswer(BaseModel):
    """A download of a medium, with its uploads."""

    model_config = ConfigDict(json_schema_extra={"example": _DOWNLOAD_EXAMPLE})

    id: int
    media_id: int
    gid: str = Field(description="aria2's id of it, and the name of its folder.")
    name: str = Field(description="The file's name as its sender gave it; empty if unknown.")
    kind: DownloadKind
    day: str = Field(description="When its medium arrived, UTC.")
    source: str = Field(description="Who wanted it: telegram, api, or a part of this project.")
    link: str | None = Field(description="Where it comes from, without what may be secret in it.")
    state: DownloadState
    completed_bytes: int
    total_bytes: int | None
    bytes_per_second: int
    attempts: int = Field(description="Failed attempts since the last retry.")
    retries: int = Field(description="How often a user wanted it to be tried again.")
    reason_code: ReasonCode | None = Field(description="Why it is not completed, for programs.")
    reason: str | None = Field(description="The same for people, with what to do.")
    path: str | None = Field(description="The local file, or the folder of several.")
    checksum: str | None
    created_at: datetime
    changed_at: datetime = Field(description="When the state last changed.")
    started_at: datetime | None
    not_before: datetime | None = Field(description="It is not tried again before this time.")
    completed_at: datetime | None
    cleaned_at: datetime | None = Field(description="When the local file was removed.")
    uploads: list[UploadAnswer]


class MediumAnswer(BaseModel):
    """A medium: its downloads, newest first, and the uploads of each."""

    id: int
    name: str
    kind: DownloadKind
    state: MediaState
    day: str
    arrived_at: datetime
    changed_at: datetime
    source: str
    mime: str | None
    size_bytes: int | None
    caption: str
    sender: str | None
    link: str | None
    infohash: str | None
    targets: list[str] | None = Field(description="Its targets; null for the configured ones.")
    downloads: list[DownloadAnswer]


def shown_link(link: str | None) -> str | None:
    """Return a link without passwords, tokens and the trackers that may hold them.

    Args:
        link: An address or a magnet; None for none.
    """
    if link is None:
        return None
    if link.lower().startswith("magnet:"):
        topics = parse_qs(urlsplit(link).query).get("xt", [])
        return "magnet:?" + "&".join(f"xt={topic}" for topic in topics)
    return shown_url(link)


def upload_answer(row: AnyRow) -> UploadAnswer:
    """Make the answer of a row of `listing`.

    Args:
        row: An upload.
    """
    return UploadAnswer.model_validate(row, from_attributes=True)


def download_answer(row: AnyRow, uploads: Iterable[AnyRow] = ()) -> DownloadAnswer:
    """Make the answer of a row of `listing`.

    Args:
        row: A download.
        uploads: Its uploads.
    """
    medium = {name: getattr(row, f"media_{name}") for name in ("name", "kind", "day", "source")}
    return DownloadAnswer.model_validate(
        {
            **_values(row),
            **medium,
            "link": shown_link(row.media_link),
            "uploads": [upload_answer(upload) for upload in uploads],
        }
    )


def medium_answer(
    row: AnyRow, downloads: Iterable[AnyRow], uploads: Mapping[int, Sequence[AnyRow]]
) -> MediumAnswer:
    """Make the answer of a row of `listing`.

    Args:
        row: A medium.
        downloads: Its downloads.
        uploads: The uploads of these, by download.
    """
    return MediumAnswer.model_validate(
        {
            **_values(row),
            "link": shown_link(row.link),
            "downloads": [download_answer(each, uploads.get(each.id, ())) for each in downloads],
        }
    )


def _values(row: AnyRow) -> Mapping[str, Any]:
    return row._mapping  # noqa: SLF001 - public by SQLAlchemy's documentation
