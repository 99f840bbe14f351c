"""Connect an account with this installation: `scripts/connect PROVIDER [ACCOUNT]`.

What providers have in common is in `sync_assets.oauth`; each is described by its domain.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit

from sync_assets.account_providers import ProviderName, configured_provider
from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.ledger.secrets import load_key
from sync_assets.oauth.authorization import Authorizations
from sync_assets.oauth.device import DeviceFlow
from sync_assets.oauth.errors import OAuthError, ProviderUnavailableError
from sync_assets.oauth.provider import Provider
from sync_assets.settings import load_settings

_HOW = {
    ProviderName.TRAKT: "with a code that you type in at trakt.tv",
    ProviderName.BANGUMI: "in a browser on any machine, whose address you paste here",
}


def main(
    arguments: Sequence[str] | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    ask: Callable[[str], str] = input,
) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.
        sleep: Waits, in seconds.
        ask: Shows a question and returns the user's answer.

    Returns:
        The exit code.

    Raises:
        SyncError: The account could not be connected.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings()
    provider = configured_provider(settings, ProviderName(options.provider))
    account = _chosen(options.account, [*provider.accounts, *provider.paused_accounts], provider)
    ledger = Ledger.open(settings.ledger_url)
    try:
        key = load_key(settings.home)
        if options.remove:
            _remove(provider, ledger, key, account)
            return 0
        flow = provider.device_flow(ledger, key, account)
        if flow is not None:
            _connect_by_code(flow, sleep)
        else:
            _connect_by_browser(provider, ledger, key, account, ask)
    finally:
        ledger.close()
    print(f"The {provider.title} account {account} is connected.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/connect",
        description="Connect an account, so that this installation may use it. Its tokens are "
        "stored encrypted in the ledger and renewed by themselves.",
    )
    providers = parser.add_subparsers(required=True, metavar="PROVIDER", dest="provider")
    for name, how in _HOW.items():
        provider = providers.add_parser(name, help=how)
        provider.add_argument(
            "account", nargs="?", help="its name in sync.toml, where there are several"
        )
        provider.add_argument("--remove", action="store_true", help="revoke and forget its tokens")
    return parser


def _remove(provider: Provider, ledger: Ledger, key: bytes, account: str) -> None:
    forgotten = provider.keeper(ledger, key, account).disconnect()
    was_revoked = forgotten is not None and provider.app().revoke(forgotten.access_token)
    print(f"The {provider.title} account {account} is disconnected.")
    if forgotten is not None and not was_revoked:
        print(f"Its last token ends by itself: {provider.title} offers no way to revoke it.")


def _connect_by_code(flow: DeviceFlow, sleep: Callable[[float], None]) -> None:
    code = flow.start()
    print(f"Open {code.verification_url} and type in: {code.user_code}", flush=True)
    while not _poll(flow.poll):
        code = flow.current() or code
        sleep(code.interval_seconds)


def _poll(poll: Callable[[], bool]) -> bool:
    try:
        return poll()
    except ProviderUnavailableError:
        # The code stays good; the flow itself ends with the code's time.
        return False


def _connect_by_browser(
    provider: Provider, ledger: Ledger, key: bytes, account: str, ask: Callable[[str], str]
) -> None:
    app, authorizations = provider.app(), Authorizations(ledger, key)
    begun = authorizations.begin(provider.name, account)
    print(f"Open {app.authorization_url(begun.state)}")
    print(
        f"Agree there. The browser then goes to an address that begins with {app.redirect_uri}, "
        "whether a page comes or not.",
        flush=True,
    )
    fields = parse_qs(urlsplit(ask("Paste that address within a minute: ").strip()).query)
    state, code = fields.get("state", [""])[0], fields.get("code", [""])[0]
    authorizations.redeem(provider.name, state, begun.browser)
    if not code:
        raise OAuthError(f"The request was denied at {provider.title}.", remedy="Begin again.")
    provider.keeper(ledger, key, account).connect(app.exchange_code(code))


def _chosen(name: str | None, configured: Sequence[str], provider: Provider) -> str:
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
        f"There is no {provider.name} account {name!r}." if name else "Which account?",
        remedy=f"Name one of: {known}."
        if known
        else f"Add a table [{provider.name}.accounts.NAME] to sync.toml first.",
    )


if __name__ == "__main__":
    run_command(main)
