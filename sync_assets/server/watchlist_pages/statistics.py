"""`/watchlist/statistics`: what is watched in numbers and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from sync_assets.ledger.types import utc_now
from sync_assets.server.pages import PageUser, page
from sync_assets.server.pages.charts import bar_chart
from sync_assets.server.watchlist.common import read
from sync_assets.server.watchlist_pages.common import ADDRESS
from sync_assets.server.watchlist_pages.views import OUTCOME_TEXTS, STATE_TEXTS, STATUS_TEXTS
from sync_assets.watchlist import searching
from sync_assets.watchlist import statistics as history
from sync_assets.watchlist.episode_counts import EpisodeCounts

router = APIRouter(prefix=f"{ADDRESS}/statistics")

SHOWN_WEEKS = 12
SHOWN_ITEMS = 8

Kind = TypeVar("Kind", bound=str)


@dataclass(frozen=True)
class Share:
    """A part of a whole.

    Attributes:
        name: What it is.
        count: How many.
        tone: Its colour, as badges have it.
    """

    name: str
    count: int
    tone: str


@router.get("")
async def show_statistics(request: Request, user: PageUser) -> HTMLResponse:
    """Show a user's numbers."""
    today = utc_now().date()

    def counted(connection: Connection) -> dict[str, Any]:
        numbers = searching.statistics(connection, user.user)
        weeks = history.weeks(connection, user.user, today, count=SHOWN_WEEKS)
        most = history.most_downloaded(connection, user.user, limit=SHOWN_ITEMS)
        return {
            "numbers": numbers,
            "counts": EpisodeCounts.of(numbers.episodes),
            "weeks": weeks,
            "chart": bar_chart([[week.found, week.downloaded] for week in weeks]),
            "by_status": _shares(numbers.by_status, STATUS_TEXTS),
            "by_state": _shares(numbers.episodes, STATE_TEXTS),
            "by_outcome": _shares(numbers.by_outcome, OUTCOME_TEXTS),
            "by_provider": [
                Share(name, count, "accent") for name, count in numbers.by_provider.items()
            ],
            "most_downloaded": [Share(row.title, row.count, "accent") for row in most],
        }

    return page(request, "watchlist/statistics.html", **await read(request, counted))


def _shares(counts: Mapping[str, int], texts: Mapping[Kind, tuple[str, str]]) -> Sequence[Share]:
    return [
        Share(name, counts[kind], tone) for kind, (name, tone) in texts.items() if counts.get(kind)
    ]
