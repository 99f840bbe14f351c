"""Do an account's work in a run, or for a sensor: its lease, its client, its result."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import dagster as dg

from sync_assets.failures import failing_step
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.secrets import load_key
from sync_assets.logs import stage
from sync_assets.settings import Settings
from sync_assets.trakt.account import AccountWork, Outcome
from sync_assets.trakt.reporting import Reporter
from sync_assets.trakt.tables import DOMAIN

LEASE_WAIT_SECONDS = 60.0
HASTY_SECONDS = 10.0
"""Dagster gives a sensor a minute."""

_FAILURES_SHOWN = 50


@contextmanager
def open_account(
    settings: Settings, ledger: Ledger, lake: Lake, account: str, *, is_hasty: bool = False
) -> Generator[AccountWork]:
    """Open Trakt for an account.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake.
        account: The account's name in the configuration.
        is_hasty: Give up at the first failure instead of waiting: there is another time.

    Yields:
        What the logic works with.
    """
    # httpx loads a command line's worth of modules, which no process needs for the definitions.
    from sync_assets.trakt.client import TraktClient  # noqa: PLC0415
    from sync_assets.trakt.oauth import token_keeper  # noqa: PLC0415

    trakt = settings.trakt
    keeper = token_keeper(ledger, load_key(settings.home), trakt, account)
    if is_hasty:
        hasty = {"retries": 0, "timeout_seconds": min(trakt.timeout_seconds, HASTY_SECONDS)}
        trakt = trakt.model_copy(update=hasty)
        client = TraktClient(trakt, ledger, account, keeper, maximum_wait_seconds=HASTY_SECONDS)
    else:
        client = TraktClient(trakt, ledger, account, keeper)
    with client:
        yield AccountWork(account, trakt, client, ledger, lake)


class AccountStage:
    """One asset's work on one account.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        lake: The lake.
    """

    def __init__(self, settings: Settings, ledger: Ledger, lake: Lake) -> None:
        self._settings = settings
        self._ledger = ledger
        self._lake = lake
        self._reporter = Reporter(settings, ledger)

    def run(
        self,
        context: dg.AssetExecutionContext,
        account: str,
        work: Callable[[AccountWork], Outcome],
    ) -> tuple[Outcome, dict[str, Any]]:
        """Do the work of an asset.

        Args:
            context: The asset's context.
            account: The account's name in the configuration.
            work: What the asset does; it raises `SyncError`.

        Returns:
            What was done, and the metadata that say so.

        Raises:
            dagster.Failure: It could not be done; nothing is materialized.
        """
        run_id, name = context.run.run_id, context.asset_key.path[-1]
        if account not in self._settings.trakt.active_accounts:
            context.log.info("%s is paused, or no account of Trakt: nothing is done", account)
            return Outcome(), _metadata(Outcome(), 0.0)
        started_at = time.monotonic()
        with (
            failing_step(partial(self._reporter.failed, run_id, account, name), account),
            stage(context, f"{DOMAIN}/{name}", partition=account) as logged,
            hold_lease(
                self._ledger,
                f"{DOMAIN}:{account}",
                purpose=f"{DOMAIN}/{name} of run {run_id}",
                wait_seconds=LEASE_WAIT_SECONDS,
            ),
            open_account(self._settings, self._ledger, self._lake, account) as opened,
        ):
            outcome = work(opened)
            source = opened.source
            outcome.numbers |= {"requests": source.requests, "pages": source.pages}
            logged.update(outcome.numbers)
        self._reporter.succeeded(run_id, account, name, outcome)
        return outcome, _metadata(outcome, time.monotonic() - started_at)


def require_accounts(settings: Settings) -> None:
    """Make sure that any account is configured, here or at Bangumi.

    Args:
        settings: The whole configuration.

    Raises:
        dagster.Failure: None is.
    """
    if not settings.watching_accounts:
        raise dg.Failure(
            description="No Trakt account is configured. Add a table [trakt.accounts.NAME] to "
            "sync.toml; docs/trakt-bangumi.md leads from there.",
            allow_retries=False,
        )


def _metadata(outcome: Outcome, seconds: float) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        **outcome.numbers,
        "failed": len(outcome.failures),
        "seconds": round(seconds, 3),
    }
    if outcome.failures:
        shown = [f"* {text}" for text in outcome.failures[:_FAILURES_SHOWN]]
        metadata["failures"] = dg.MetadataValue.md("\n".join(shown))
    return metadata
