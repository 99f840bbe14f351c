"""`/watchlist/calendar`: what appeared and what is expected, month by month."""

import calendar as months
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from sync_assets.ledger.types import utc_now
from sync_assets.server.pages import PageUser, page
from sync_assets.server.watchlist.common import read
from sync_assets.server.watchlist_pages.common import ADDRESS
from sync_assets.watchlist.calendar import CalendarEntry, entries

router = APIRouter(prefix=f"{ADDRESS}/calendar")

_MONTH = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class MonthView:
    """A month as whole weeks.

    Attributes:
        first: Its first day.
        today: The day.
        weeks: Its weeks from Monday, with days of the months around it.
        entries: What each day holds.
    """

    first: date
    today: date
    weeks: Sequence[Sequence[date]]
    entries: Mapping[date, Sequence[CalendarEntry]]

    @property
    def previous(self) -> str:
        """The address of the month before."""
        return _address(self.first - timedelta(days=1))

    @property
    def following(self) -> str:
        """The address of the month after."""
        return _address(self.first + timedelta(days=31))

    @property
    def days_with_entries(self) -> Sequence[date]:
        """The days of this month that hold anything."""
        return sorted(day for day in self.entries if self.has(day))

    def has(self, day: date) -> bool:
        """Whether a day is one of this month."""
        return (day.year, day.month) == (self.first.year, self.first.month)


@router.get("")
async def show_calendar(request: Request, user: PageUser, month: str = "") -> HTMLResponse:
    """Show a month; without one, or with none that there is, this one."""
    now = utc_now()
    said = _MONTH.fullmatch(month)
    first = date(int(said[1]), int(said[2]), 1) if said else now.date().replace(day=1)
    weeks = months.Calendar().monthdatescalendar(first.year, first.month)
    found = await read(
        request,
        lambda connection: entries(connection, user.user, weeks[0][0], weeks[-1][-1], now),
    )
    return page(
        request, "watchlist/calendar.html", month=MonthView(first, now.date(), weeks, found)
    )


def _address(day: date) -> str:
    return f"{ADDRESS}/calendar?month={day:%Y-%m}"
