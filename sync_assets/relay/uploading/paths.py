"""Where a file goes below a remote, and what it is called until it is verified there."""

from pathlib import Path, PurePosixPath

from sync_assets.ledger.types import AnyRow
from sync_assets.relay.naming import safe_name
from sync_assets.relay.rclone.storage import folder_of

PART_PREFIX = ".part-"


def remote_path(template: str, row: AnyRow) -> str:
    """Return where an upload goes.

    Args:
        template: The target's path, with fields.
        row: The upload, with its download and medium.

    Returns:
        A relative path; every field is one harmless segment, whatever its sender called it.
    """
    arrived_at = row.media_arrived_at
    fields = {
        "name": Path(row.download_path).name,
        "year": f"{arrived_at:%Y}",
        "month": f"{arrived_at:%m}",
        "day": f"{arrived_at:%d}",
        "source": safe_name(row.media_source),
        "chat": safe_name(row.media_chat_id or "none"),
        "sender": safe_name(row.media_sender or "none"),
        "album": safe_name(row.media_album or "none"),
        "id": str(row.media_id),
    }
    return template.format(**fields)


def part_path(path: str, part_id: str, *, is_folder: bool) -> str:
    """Return what an upload is called until it is verified.

    Args:
        path: Where it goes.
        part_id: The upload's own id.
        is_folder: Whether it is a folder; of a file the suffix stays, by which storages know its
            type.
    """
    suffix = "" if is_folder else PurePosixPath(path).suffix
    return f"{folder_of(path)}{PART_PREFIX}{part_id}{suffix}"


def candidates(path: str, part_id: str, *, is_folder: bool) -> tuple[str, str]:
    """Return the names that an upload may have: its own, and one for when that is taken.

    Args:
        path: Where it goes.
        part_id: The upload's own id, so that the second name is always the same, and nobody
            else's.
        is_folder: Whether it is a folder.
    """
    suffix = "" if is_folder else PurePosixPath(path).suffix
    return path, f"{path.removesuffix(suffix)} ({part_id[:8]}){suffix}"
