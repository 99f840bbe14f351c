"""List Telegram posts that need a decision, and decide: `scripts/telegram-posts`."""

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.settings import load_settings
from sync_assets.telegram.models import PostState
from sync_assets.telegram.outbox import posts_in_state
from sync_assets.telegram.resolving import Decision, resolve, retry_failed

_UNDECIDED = (PostState.UNKNOWN, PostState.FAILED)


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
    with closing(Ledger.open(load_settings().ledger_url)) as ledger:
        options.run(ledger, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/telegram-posts",
        description="Posts whose answer was lost are unknown: look into the chat, then say "
        "whether they are there. Posts that Telegram refused too often are failed.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list unknown and failed posts")
    listing.add_argument(
        "--state", choices=[*PostState], type=PostState, help="list this state instead"
    )
    listing.add_argument("--json", action="store_true", help="print JSON instead")
    listing.set_defaults(run=_list)

    decide = commands.add_parser("resolve", help="say what became of unknown posts")
    decide.add_argument("decision", choices=[*Decision], type=Decision)
    decide.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `list` shows them")
    decide.set_defaults(run=_resolve)

    retry = commands.add_parser("retry", help="send failed posts again")
    retry.add_argument("ids", type=int, nargs="*", metavar="ID", help="without any: all")
    retry.set_defaults(run=_retry)
    return parser


def _list(ledger: Ledger, options: argparse.Namespace) -> None:
    states = (options.state,) if options.state else _UNDECIDED
    with ledger.read() as connection:
        posts = [_fields(row) for row in posts_in_state(connection, *states)]
    if options.json:
        print(json.dumps(posts))
        return
    table = Table("id", "state", "account", "chat", "work", "page", "since (UTC)", "why")
    for post in posts:
        table.add_row(*(Text(str(value)) for value in post.values()))
    Console().print(table)


def _resolve(ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        for post_id in options.ids:
            resolve(connection, post_id, options.decision)
    print(f"{len(options.ids)} decided: {options.decision}.")


def _retry(ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        queued = retry_failed(connection, options.ids)
    print(f"{len(queued)} failed posts wait to be sent again.")


def _fields(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "account": row.partition,
        "chat": row.chat_id,
        "work": row.work["url"],
        "page": row.page + 1,
        "since": row.changed_at.isoformat(timespec="seconds"),
        "reason": row.reason or "",
    }


if __name__ == "__main__":
    run_command(main)
