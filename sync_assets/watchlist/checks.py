"""What must be true of the watchlist: providers can be read, and no download has failed."""

from collections.abc import Iterator, Sequence

import dagster as dg
from sqlalchemy import Connection, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_episodes, watchlist_items
from sync_assets.watchlist.keys import DOWNLOADS, EPISODES, ITEMS
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState

_SHOWN = 50
_BROKEN_AFTER = 3
_BROKEN = (CheckOutcome.BROKEN, CheckOutcome.BLOCKED)


CHECKS = (
    dg.AssetCheckSpec(
        "providers_can_be_read",
        asset=ITEMS,
        description="Every provider could be read in one of the last three looks. The item says "
        "what is wrong; correct its address, or choose another provider.",
    ),
    dg.AssetCheckSpec(
        "no_episode_waits_for_its_user",
        asset=EPISODES,
        description="No episode waits for its user because its number is doubtful or nothing that "
        "is wanted is offered. Its reason says what to do.",
    ),
    dg.AssetCheckSpec(
        "no_failed_episodes",
        asset=DOWNLOADS,
        description="No episode has failed. Its reason says why; retry it, or take another one.",
    ),
)
"""Made by the run itself: a run of all items materializes no partition of its own, after which
Dagster would run checks."""


def check_results(ledger: Ledger) -> Iterator[dg.AssetCheckResult]:
    """Check what must be true.

    Args:
        ledger: The ledger.

    Yields:
        The result of each check, in the order of `CHECKS`.
    """
    columns = watchlist_items.c
    query = select(columns.id, columns.provider, columns.last_error).where(
        columns.state == ItemState.ACTIVE,
        columns.last_outcome.in_(_BROKEN),
        columns.consecutive_errors >= _BROKEN_AFTER,
    )
    with ledger.read() as connection:
        broken = [(row.id, row.provider, row.last_error or "") for row in connection.execute(query)]
        waiting = _episodes(connection, EpisodeState.FOUND)
        failed = _episodes(connection, EpisodeState.FAILED)
    found = (("provider", broken), ("episode", waiting), ("episode", failed))
    for check, (column, rows) in zip(CHECKS, found, strict=True):
        yield _result(check, column, rows)


def _episodes(connection: Connection, state: EpisodeState) -> list[tuple[int, str, str]]:
    columns = watchlist_episodes.c
    query = (
        select(columns.item_id, columns.key, columns.reason)
        .join(watchlist_items, watchlist_items.c.id == columns.item_id)
        .where(
            columns.state == state,
            columns.reason.is_not(None),
            watchlist_items.c.state == ItemState.ACTIVE,
            watchlist_items.c.auto_download,
        )
    )
    return [(row.item_id, row.key, row.reason) for row in connection.execute(query)]


def _result(
    check: dg.AssetCheckSpec, column: str, rows: Sequence[tuple[int, str, str]]
) -> dg.AssetCheckResult:
    lines = [f"| {row[0]} | {_cell(row[1])} | {_cell(row[2])} |" for row in rows[:_SHOWN]]
    table = "\n".join([f"| item | {column} | why |", "|---|---|---|", *lines])
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=not rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"count": len(rows), **({"table": dg.MetadataValue.md(table)} if rows else {})},
    )


def _cell(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text)
    return printable.replace("|", "\\|")
