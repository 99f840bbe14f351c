"""Take over an existing gallery-dl archive and download folder: `scripts/pixiv-adopt`."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sync_assets.commands.entry import run_command
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.pixiv.account import Account, lease_name, open_account
from sync_assets.pixiv.adoption import Adoption, carry_out, plan_adoption
from sync_assets.pixiv.archive import entry_of, remove_entries
from sync_assets.pixiv.files import read_files
from sync_assets.pixiv.models import FileState
from sync_assets.pixiv.presence import missing_files, want_missing
from sync_assets.settings import load_settings

DESCRIPTION = """\
Take over what gallery-dl downloaded before: whole files of bookmarked works count as downloaded,
and are not downloaded again. Nothing is moved or deleted. Without --apply it only says what it
would do. The bookmarks must be known: materialize the asset pixiv/bookmarks first.
"""
_SHOWN = 20


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
    if options.account not in settings.pixiv.accounts:
        known = ", ".join(sorted(settings.pixiv.accounts)) or "none"
        raise SyncError(
            f"There is no Pixiv account {options.account!r}.",
            remedy=f"Configured are: {known}.",
        )
    account = open_account(settings, options.account)
    purpose = "scripts/pixiv-adopt"
    with (
        closing(Ledger.open(settings.ledger_url)) as ledger,
        hold_lease(ledger, lease_name(account.name), purpose=purpose),
    ):
        if options.recheck:
            _recheck(account, ledger, apply=options.apply)
        else:
            _adopt(account, ledger, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/pixiv-adopt",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("account", help="the account's name in the configuration")
    parser.add_argument(
        "--folder", type=Path, help="the downloads; without it, the account's download_directory"
    )
    parser.add_argument(
        "--archive",
        type=Path,
        help="gallery-dl's archive: what it knows counts as downloaded even without a file",
    )
    parser.add_argument(
        "--post", action="store_true", help="post the works to Telegram as new ones are"
    )
    parser.add_argument(
        "--recheck",
        action="store_true",
        help="instead: download again what the ledger knows and the disk does not have",
    )
    parser.add_argument("--apply", action="store_true", help="do it; without it, a dry run")
    return parser


def _adopt(account: Account, ledger: Ledger, options: argparse.Namespace) -> None:
    folder = (options.folder or account.download_directory).absolute()
    adoption = plan_adoption(account, ledger, folder, options.archive)
    _show(adoption)
    if options.apply:
        carry_out(account, ledger, adoption, post=options.post)
        print("Done.")
    else:
        print("Nothing was changed. Add --apply to do it.")


def _show(adoption: Adoption) -> None:
    print(f"{len(adoption.files)} files are whole and can be taken over.")
    print(f"{len(adoption.archived)} files only the archive knows; they count as downloaded.")
    print(f"{len(adoption.complete)} works will need nothing more.")
    print(f"{adoption.foreign} files are of no bookmarked work and are left alone.")
    if adoption.ambiguous:
        print(f"{adoption.ambiguous} rows of the archive may mean two files and are passed over.")
    if adoption.damaged:
        print(f"{len(adoption.damaged)} files are damaged; they stay, and are downloaded again:")
        for path, reason in adoption.damaged[:_SHOWN]:
            print(f"  {path}: {reason}")


def _recheck(account: Account, ledger: Ledger, *, apply: bool) -> None:
    with ledger.read() as connection:
        files = read_files(connection, account.name, states={FileState.VERIFIED})
    missing = missing_files(account.download_directory, files)
    print(f"{len(missing)} of {len(files)} files are not on the disk.")
    for each in missing[:_SHOWN]:
        print(f"  {each.path}")
    if not apply:
        print("Nothing was changed. Add --apply to download them again in the next round.")
        return
    remove_entries(
        account.archive_path,
        [entry_of(each.work_id, each.page, each.version) for each in missing],
    )
    with ledger.write() as connection:
        want_missing(connection, account.name, missing, run_id=None)
    print("Done: the next round downloads them.")


if __name__ == "__main__":
    run_command(main)
