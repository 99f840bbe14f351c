"""See and steer the relay from a shell: `scripts/relay`.

Pausing, resuming, retrying and cancelling write to the ledger, and need nothing that runs; `run`
drives everything to rest in this process.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.commands.entry import run_command
from sync_assets.commands.relay_uploads import add_upload_commands
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import OPEN_DOWNLOADS, DownloadState
from sync_assets.settings import Settings, load_settings

_SHOWN = (*OPEN_DOWNLOADS, DownloadState.FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.

    Raises:
        SyncError: It cannot be done; the text is for the user.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings()
    with closing(Ledger.open(settings.ledger_url)) as ledger:
        options.run(settings, ledger, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/relay",
        description="See and steer downloads and uploads; nothing needs to run for it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list open and failed downloads")
    listing.add_argument(
        "--state", choices=[*DownloadState], type=DownloadState, help="list this state instead"
    )
    listing.add_argument("--json", action="store_true", help="print JSON instead")
    listing.set_defaults(run=_list)

    add = commands.add_parser("add", help="download an http, https or magnet link")
    add.add_argument("links", nargs="+", metavar="LINK")
    add.set_defaults(run=_add)

    wishes: dict[str, tuple[Callable[..., None], str]] = {
        "pause": (downloads.pause, "let downloads rest"),
        "resume": (downloads.resume, "let paused downloads go on"),
        "retry": (downloads.retry, "try failed or cancelled downloads again"),
        "cancel": (downloads.cancel, "cancel downloads, and remove what is there of them"),
    }
    for name, (wish, explanation) in wishes.items():
        command = commands.add_parser(name, help=explanation)
        command.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `list` shows them")
        command.set_defaults(run=_wish, wish=wish, name=name)

    add_upload_commands(commands)

    run = commands.add_parser(
        "run", help="receive, download, upload and answer until all is at rest"
    )
    run.add_argument("--seconds", type=float, help="the most time it may take")
    run.set_defaults(run=_run)
    return parser


def _list(_: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    states = (options.state,) if options.state else _SHOWN
    with ledger.read() as connection:
        found = [_fields(row) for row in downloads.in_state(connection, *states)]
    if options.json:
        print(json.dumps(found))
        return
    table = Table("id", "state", "file", "bytes", "of", "arrived", "why")
    for each in found:
        table.add_row(*(Text(str(value)) for value in each.values()))
    Console().print(table)


def _add(_: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    for link in options.links:
        with ledger.write() as connection:
            wanted = enqueue(connection, source="shell", link=link)
        print(f"Download {wanted.download_id}{'' if wanted.is_new else ', which was known'}.")


def _wish(_: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        for download_id in options.ids:
            options.wish(connection, download_id)
    print(f"{options.name}: {len(options.ids)} of {len(options.ids)}.")


def _run(settings: Settings, ledger: Ledger, options: argparse.Namespace) -> None:
    # It brings an HTTP client, which the other commands do without.
    from sync_assets.relay.worker import drive

    report = drive(settings, ledger, run_id=None, seconds=options.seconds)
    done = report.downloads
    print(
        f"{report.intake.added} came, {done.completed} completed, {done.failed} failed, "
        f"{done.received_bytes} bytes."
    )
    if settings.relay.targets:
        sent = report.uploads
        print(
            f"Uploads: {sent.completed} completed, {sent.failed} failed, {sent.sent_bytes} bytes; "
            f"{sent.cleaned} files removed here."
        )
    for problem in report.problems:
        print(problem, file=sys.stderr)


def _fields(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "file": row.media_name or row.media_link or "",
        "completed_bytes": row.completed_bytes,
        "total_bytes": row.total_bytes or row.expected_bytes or "",
        "day": row.media_day,
        "reason": row.reason or "",
    }


if __name__ == "__main__":
    run_command(main)
