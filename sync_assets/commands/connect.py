"""Connect an account with this installation: `scripts/connect PROVIDER [ACCOUNT]`.

Each provider is a subcommand with a function of its own; what is common is the way that tokens
are kept (`sync_assets.oauth`).
"""

import argparse
import time
from collections.abc import Callable, Sequence

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth.errors import OAuthError, ProviderUnavailableError
from sync_assets.settings import Settings, load_settings
from sync_assets.trakt.oauth import TraktOAuth, device_flow, token_keeper


def main(
    arguments: Sequence[str] | None = None, *, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.
        sleep: Waits, in seconds.

    Returns:
        The exit code.

    Raises:
        SyncError: The account could not be connected.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings()
    ledger = Ledger.open(settings.ledger_url)
    try:
        return options.run(settings, ledger, options, sleep)
    finally:
        ledger.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/connect",
        description="Connect an account, so that this installation may use it. Its tokens are "
        "stored encrypted in the ledger and renewed by themselves.",
    )
    providers = parser.add_subparsers(required=True, metavar="PROVIDER")
    trakt = providers.add_parser("trakt", help="with a code that you type in at trakt.tv")
    trakt.add_argument("account", nargs="?", help="its name in sync.toml, where there are several")
    trakt.add_argument("--remove", action="store_true", help="revoke and forget its tokens")
    trakt.set_defaults(run=_trakt)
    return parser


def _trakt(
    settings: Settings,
    ledger: Ledger,
    options: argparse.Namespace,
    sleep: Callable[[float], None],
) -> int:
    account = _chosen(options.account, list(settings.trakt.accounts), "trakt")
    key = load_key(settings.home)
    if options.remove:
        keeper = token_keeper(ledger, key, settings.trakt, account)
        forgotten = keeper.disconnect()
        if forgotten is not None:
            TraktOAuth(settings.trakt).revoke(forgotten.access_token)
        print(f"The Trakt account {account} is disconnected.")
        return 0
    flow = device_flow(ledger, key, settings.trakt, account)
    code = flow.start()
    print(f"Open {code.verification_url} and type in: {code.user_code}", flush=True)
    while not _poll(flow.poll):
        code = flow.current() or code
        sleep(code.interval_seconds)
    print(f"The Trakt account {account} is connected.")
    return 0


def _poll(poll: Callable[[], bool]) -> bool:
    try:
        return poll()
    except ProviderUnavailableError:
        # The code stays good; the flow itself ends with the code's time.
        return False


def _chosen(name: str | None, configured: Sequence[str], provider: str) -> str:
    """Return the account that is meant.

    Raises:
        OAuthError: None is configured, or it is not clear which.
    """
    if name is None and len(configured) == 1:
        return configured[0]
    if name is not None and name in configured:
        return name
    known = ", ".join(sorted(configured))
    raise OAuthError(
        f"There is no {provider} account {name!r}." if name else "Which account?",
        remedy=f"Name one of: {known}."
        if known
        else f"Add a table [{provider}.accounts.NAME] to sync.toml first.",
    )


if __name__ == "__main__":
    run_command(main)
