"""Trakt's assets: look what changed, and the history, ratings and collection as Trakt has them.

Glue only. `changes` brings the history up to date for an account and reports the months that it
replaced; `history` itself reads the months that a user picks, all in one run.
"""

from collections import Counter, defaultdict
from functools import partial

import dagster as dg

from sync_assets.lake.resources import LakeResource
from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets.trakt import history as plays
from sync_assets.trakt import snapshots
from sync_assets.trakt.account import AccountWork, Outcome
from sync_assets.trakt.activities import look, seen_in_run
from sync_assets.trakt.partitions import ACCOUNT, MONTH, account_partitions, history_partitions
from sync_assets.trakt.runs import AccountStage, require_accounts
from sync_assets.trakt.tables import DOMAIN, HISTORY


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Build the domain's assets.

    Args:
        settings: The whole configuration.

    Returns:
        The assets, in the order of a run.
    """
    off = (
        ""
        if settings.trakt.accounts
        else " **Not configured: add [trakt.accounts.NAME] to sync.toml.**"
    )
    by_account = account_partitions(settings)

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"api"},
        partitions_def=by_account,
        pool=DOMAIN,
        description="What changed at Trakt since the last look: one request where nothing did. "
        f"New, back-dated, changed and removed plays go to the months of trakt/history.{off}",
    )
    def changes(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        require_accounts(settings)
        account, run_id = context.partition_key, context.run.run_id

        def work(opened: AccountWork) -> Outcome:
            return plays.follow(opened, look(opened, run_id))

        stage = AccountStage(settings, ledger, lake.open())
        outcome, metadata = stage.run(context, account, work)
        for month in outcome.months:
            partition = dg.MultiPartitionKey({ACCOUNT: account, MONTH: month})
            context.log_event(dg.AssetMaterialization(HISTORY, partition=partition))
        return dg.MaterializeResult(metadata={**metadata, "months": len(outcome.months)})

    @dg.asset(
        key_prefix=DOMAIN,
        group_name=DOMAIN,
        kinds={"parquet"},
        partitions_def=history_partitions(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=DOMAIN,
        deps=[changes],
        description="Every play of each account, by month of watching. trakt/changes keeps it up "
        f"to date; materializing a month reads that month anew.{off}",
    )
    def history(
        context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        require_accounts(settings)
        months: defaultdict[str, list[str]] = defaultdict(list)
        for key in context.partition_keys:
            dimensions = _dimensions(key)
            months[dimensions[ACCOUNT]].append(dimensions[MONTH])
        stage = AccountStage(settings, ledger, lake.open())
        totals: Counter[str] = Counter()
        for account, chosen in months.items():
            outcome, _ = stage.run(context, account, partial(plays.read_months, months=chosen))
            totals.update({**outcome.numbers, "failed": len(outcome.failures)})
        return dg.MaterializeResult(metadata=dict(totals))

    def build_snapshot(name: str, snapshot: snapshots.Snapshot, what: str) -> dg.AssetsDefinition:
        @dg.asset(
            key=[DOMAIN, name],
            group_name=DOMAIN,
            kinds={"parquet"},
            partitions_def=by_account,
            pool=DOMAIN,
            deps=[changes],
            description=f"{what} What is gone at Trakt stays, with removed_at.{off}",
        )
        def asset(
            context: dg.AssetExecutionContext, lake: LakeResource, ledger: dg.ResourceParam[Ledger]
        ) -> dg.MaterializeResult:
            require_accounts(settings)
            run_id = context.run.run_id

            def work(opened: AccountWork) -> Outcome:
                seen = seen_in_run(opened, run_id) or look(opened, run_id)
                return snapshots.follow(opened, seen, snapshot)

            stage = AccountStage(settings, ledger, lake.open())
            _, metadata = stage.run(context, context.partition_key, work)
            return dg.MaterializeResult(metadata=metadata)

        return asset

    ratings = build_snapshot(
        "ratings", snapshots.RATINGS, "What each account rated: films, shows, seasons, episodes."
    )
    collection = build_snapshot(
        "collection", snapshots.COLLECTION, "The films and episodes in each account's collection."
    )
    return [changes, history, ratings, collection]


def _dimensions(key: str) -> dict[str, str]:
    account, _, month = key.partition(plays.SEPARATOR)
    return {ACCOUNT: account, MONTH: month}
