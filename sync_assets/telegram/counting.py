"""Count the posts of each account, for `/metrics`, `/health` and Dagster's metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import telegram_posts
from sync_assets.ledger.types import AnyRow
from sync_assets.telegram.models import PostState


@dataclass(frozen=True)
class Counts:
    """How the posts of an account are; the names of the metrics are these with `tg_` before.

    Attributes:
        queue: Posts that wait or are being sent.
        sent: Posts that Telegram confirmed.
        failed: Posts that were given up.
        unknown: Posts whose answer was lost.
        retries: Attempts after a post's first.
        rate_limited: Posts that Telegram put off because they came too fast.
        last_sent: When Telegram last confirmed one.
    """

    queue: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    retries: int = 0
    rate_limited: int = 0
    last_sent: datetime | None = None

    def numbers(self) -> Mapping[str, int]:
        """Return the counts by metric name."""
        names = ("queue", "sent", "failed", "unknown", "retries", "rate_limited")
        return {f"tg_{name}": getattr(self, name) for name in names}


def count_posts(connection: Connection) -> dict[str, Counts]:
    """Count all posts by account.

    Args:
        connection: A transaction of the ledger.
    """
    columns = telegram_posts.c
    repeated = func.sum(columns.attempts) - func.sum(func.sign(columns.attempts))
    query = select(
        columns.partition,
        columns.state,
        func.count().label("posts"),
        repeated.label("retries"),
        func.sum(columns.rate_limited).label("rate_limited"),
        func.max(columns.sent_at).label("last_sent"),
    ).group_by(columns.partition, columns.state)
    rows: dict[str, list[AnyRow]] = {}
    for row in connection.execute(query):
        rows.setdefault(row.partition, []).append(row)
    return {partition: _counts(found) for partition, found in rows.items()}


def _counts(rows: Sequence[AnyRow]) -> Counts:
    by_state = {PostState(row.state): row.posts for row in rows}
    return Counts(
        queue=by_state.get(PostState.QUEUED, 0) + by_state.get(PostState.SENDING, 0),
        sent=by_state.get(PostState.SENT, 0),
        failed=by_state.get(PostState.FAILED, 0),
        unknown=by_state.get(PostState.UNKNOWN, 0),
        retries=sum(int(row.retries) for row in rows),
        rate_limited=sum(int(row.rate_limited) for row in rows),
        last_sent=max((row.last_sent for row in rows if row.last_sent), default=None),
    )
