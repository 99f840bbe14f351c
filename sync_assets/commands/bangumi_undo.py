"""Take back what a run has changed at Bangumi: `scripts/bangumi-undo`."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.commands.entry import run_command
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from sync_assets.bangumi.undoing import Change


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.

    Raises:
        SyncError: Bangumi or the ledger cannot be used; running it again goes on from there.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings()
    with closing(Ledger.open(settings.ledger_url)) as ledger:
        _undo(settings, ledger, options.run, is_dry=not options.apply)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bangumi-undo",
        description="Takes back what a run has changed at Bangumi, except what was changed there "
        "since. Without --apply it only lists the changes. An entry that the run has made stays "
        "in the collection: Bangumi has no request that removes one. Episodes that were taken "
        "back are not marked again until they are watched again.",
    )
    parser.add_argument("run", help="the id of the Dagster run")
    parser.add_argument("--apply", action="store_true", help="take the changes back")
    return parser


def _undo(settings: Settings, ledger: Ledger, run_id: str, *, is_dry: bool) -> None:
    from sync_assets.bangumi.undoing import changes_of_run

    with ledger.read() as connection:
        changes = changes_of_run(connection, run_id)
    if not changes:
        print(f"The run {run_id} has changed nothing at Bangumi that is not undone already.")
        return
    _print(changes)
    if is_dry:
        print(f"{len(changes)} changes. Nothing was taken back: add --apply for that.")
        return
    for account in dict.fromkeys(each.account for each in changes):
        _undo_account(settings, ledger, run_id, [e for e in changes if e.account == account])


def _undo_account(
    settings: Settings, ledger: Ledger, run_id: str, changes: Sequence["Change"]
) -> None:
    from sync_assets.bangumi.connecting import connect
    from sync_assets.bangumi.leases import account_lease
    from sync_assets.bangumi.undoing import undo

    account = changes[0].account
    if account not in settings.bangumi.accounts:
        raise SyncError(
            f"The account {account} is not configured any more.",
            remedy=f"Add [bangumi.accounts.{account}] to sync.toml again.",
        )
    with (
        account_lease(ledger, account, f"undo of run {run_id}"),
        closing(connect(settings.bangumi, account, ledger, settings.home)) as client,
    ):
        undone, kept = undo(ledger, client, changes, f"undo of {run_id}")
    print(f"{account}: {undone} taken back, {kept} left because they were changed since.")


def _print(changes: Sequence["Change"]) -> None:
    table = Table("account", "subject", "what", "item", "change")
    for each in changes:
        what = "entry" if each.is_entry else f"{each.kind} {each.episode_id}"
        table.add_row(
            each.account, str(each.subject), what, Text(each.title), Text(each.description)
        )
    Console().print(table)


if __name__ == "__main__":
    run_command(main)
