"""See and steer uploads from a shell: `scripts/relay uploads`."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import uploads
from sync_assets.relay.models import OPEN_UPLOADS, UploadState
from sync_assets.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from collections.abc import Callable

_SHOWN = (*OPEN_UPLOADS, UploadState.FAILED)


def add_upload_commands(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `uploads` to the commands of `scripts/relay`.

    Args:
        commands: Where commands are added.
    """
    parser = commands.add_parser("uploads", help="see and steer uploads")
    own = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = own.add_parser("list", help="list open and failed uploads")
    listing.add_argument(
        "--state", choices=[*UploadState], type=UploadState, help="list this state instead"
    )
    listing.add_argument("--json", action="store_true", help="print JSON instead")
    listing.set_defaults(run=_list)

    add = own.add_parser("add", help="want a download at one more target")
    add.add_argument("download", type=int, help="the download, as `scripts/relay list` shows it")
    add.add_argument("target", help="the target's name in sync.toml")
    add.set_defaults(run=_add)

    wishes: dict[str, tuple[Callable[..., None], str]] = {
        "pause": (uploads.pause_upload, "let uploads rest"),
        "resume": (uploads.resume_upload, "let paused uploads go on"),
        "retry": (uploads.retry_upload, "try failed or cancelled uploads again"),
        "cancel": (uploads.cancel_upload, "cancel uploads, and remove what is there of them"),
        "confirm": (uploads.confirm_upload, "say that an upload with answer_lost is in the chat"),
    }
    for name, (wish, explanation) in wishes.items():
        command = own.add_parser(name, help=explanation)
        command.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `list` shows them")
        command.set_defaults(run=_wish, wish=wish, name=name)


def _list(_: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    states = (options.state,) if options.state else _SHOWN
    with ledger.read() as connection:
        found = [_fields(row) for row in uploads.uploads_in_state(connection, *states)]
    if options.json:
        print(json.dumps(found))
        return
    table = Table("id", "download", "target", "state", "file", "bytes", "of", "why")
    for each in found:
        table.add_row(*(Text(str(value)) for value in each.values()))
    Console().print(table)


def _add(settings: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        upload_id = uploads.add_upload(
            connection, options.download, options.target, settings.relay.targets
        )
    print(f"Upload {upload_id}.")


def _wish(_: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        for upload_id in options.ids:
            options.wish(connection, upload_id)
    print(f"{options.name}: {len(options.ids)} of {len(options.ids)}.")


def _fields(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "download": row.download_id,
        "target": row.target,
        "state": row.state,
        "file": row.media_name or row.media_link or "",
        "uploaded_bytes": row.uploaded_bytes,
        "total_bytes": row.total_bytes or "",
        "reason": row.failure_reason or "",
    }
