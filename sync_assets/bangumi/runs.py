"""Run a stage for a run's account: glue between Dagster and the stages."""

import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import dagster as dg

from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.leases import account_lease
from sync_assets.bangumi.reporting import DOMAIN, Reporter
from sync_assets.failures import failing_step
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease
from sync_assets.logs import stage
from sync_assets.settings import Settings

_NOTHING = StageResult({"paused": 1})


class Stage:
    """One stage of the pipeline.

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
        self, context: dg.AssetExecutionContext, work: Callable[[AccountRun], StageResult]
    ) -> dg.MaterializeResult:
        """Do the work of one asset.

        Args:
            context: The asset's context; its partition is the account.
            work: What the asset does; it raises `SyncError`.

        Returns:
            The asset's result, with its numbers as metadata.

        Raises:
            dagster.Failure: It could not be done; nothing is materialized.
        """
        self._require_accounts()
        account, run_id = context.partition_key, context.run.run_id
        name = context.asset_key.path[-1]
        if account not in self._settings.bangumi.active_accounts:
            context.log.info("%s is paused, or no account of Bangumi: nothing is done", account)
            return dg.MaterializeResult(metadata=_metadata(_NOTHING, 0.0))
        started_at = time.monotonic()
        with (
            failing_step(partial(self._reporter.failed, run_id, account, name), account),
            stage(context, f"{DOMAIN}/{name}", partition=account) as logged,
            account_lease(self._ledger, account, f"run {run_id}") as lease,
            self._account_run(account, run_id, lease) as run,
        ):
            result = work(run)
            logged.update(result.numbers, failed=result.failed)
        self._reporter.succeeded(run_id, account, name, result)
        return dg.MaterializeResult(metadata=_metadata(result, time.monotonic() - started_at))

    @contextmanager
    def _account_run(self, account: str, run_id: str, lease: Lease) -> Generator[AccountRun]:
        # httpx takes a tenth of a second, which most Dagster processes never need.
        from sync_assets.bangumi.connecting import connect

        bangumi = self._settings.bangumi
        home = self._settings.home
        with closing(connect(bangumi, account, self._ledger, home)) as client:
            yield AccountRun(
                account,
                bangumi,
                run_id,
                self._ledger,
                self._lake,
                client,
                lease,
                home / DOMAIN / "plans",
            )

    def _require_accounts(self) -> None:
        if not self._settings.watching_accounts:
            raise dg.Failure(
                description="No Bangumi account is configured. Add a table "
                "[bangumi.accounts.NAME] to sync.toml; sync.example.toml shows one.",
                allow_retries=False,
            )


def _metadata(result: StageResult, seconds: float) -> dict[str, Any]:
    metadata: dict[str, Any] = dict(result.numbers)
    metadata["failed"] = result.failed
    metadata["seconds"] = round(seconds, 3)
    metadata.update({name: dg.MetadataValue.md(text) for name, text in result.notes.items()})
    return metadata
