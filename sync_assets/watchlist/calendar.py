"""The calendar: which episodes appeared on a day, and which are expected, with who says so."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import watchlist_episodes, watchlist_releases
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.cadence import Appearance, cadence_of
from sync_assets.watchlist.models import EpisodeState, ItemState
from sync_assets.watchlist.numbering import episode_text
from sync_assets.watchlist.searching import of_owner
from sync_assets.watchlist.titles import EpisodeKind

_FOLLOWED = (ItemState.ACTIVE, ItemState.PAUSED)


class Certainty(StrEnum):
    """How an entry of the calendar is known.

    `appeared`: it was offered. `announced`: the catalogue or the provider names the day.
    `cadence`: only the rhythm of the earlier episodes lets one expect it.
    """

    APPEARED = "appeared"
    ANNOUNCED = "announced"
    CADENCE = "cadence"


@dataclass(frozen=True)
class CalendarEntry:
    """An episode on a day.

    Attributes:
        day: The day, in UTC.
        item_id: Its item.
        title: The item's title.
        episode: Which episode, for people; empty where only the day is known.
        certainty: How it is known.
        state: How far the episode is; None where it is not known to the ledger.
        is_late: Whether its day has passed and nobody offers it.
    """

    day: date
    item_id: int
    title: str
    episode: str
    certainty: Certainty
    state: EpisodeState | None = None
    is_late: bool = False


def entries(
    connection: Connection, owner: str, first: date, last: date, now: datetime
) -> Mapping[date, Sequence[CalendarEntry]]:
    """Return what a user's calendar holds.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
        first: The first day.
        last: The last day.
        now: The moment, which divides what is late from what is to come.

    Returns:
        The entries of each day that has any, by title.
    """
    by_item = defaultdict(list)
    for row in _dated_episodes(connection, owner):
        by_item[row.item_id].append(row)
    days: dict[date, list[CalendarEntry]] = defaultdict(list)
    for item in of_owner(connection, owner):
        for entry in _of_item(item, by_item[item.id], last, now):
            if first <= entry.day <= last:
                days[entry.day].append(entry)
    return {day: sorted(days[day], key=lambda entry: entry.title.casefold()) for day in days}


def _dated_episodes(connection: Connection, owner: str) -> Sequence[AnyRow]:
    """Read a user's episodes with the day of their first release."""
    episodes, releases = watchlist_episodes.c, watchlist_releases.c
    published = (
        select(func.min(releases.published_at))
        .where(
            releases.item_id == episodes.item_id,
            releases.kind == episodes.kind,
            releases.season.is_not_distinct_from(episodes.season),
            releases.number.is_not_distinct_from(episodes.number),
            releases.last_number.is_not_distinct_from(episodes.number),
        )
        .scalar_subquery()
    )
    query = select(watchlist_episodes, published.label("published_at"))
    return connection.execute(query.where(episodes.owner == owner)).all()


def _of_item(
    item: AnyRow, rows: Sequence[AnyRow], last: date, now: datetime
) -> Iterator[CalendarEntry]:
    for row in rows:
        entry = _known(item, row, now)
        if entry is not None:
            yield entry
    if item.state not in _FOLLOWED:
        return
    yield from _from_cadence(item, rows, last, now)
    if item.ends_on is not None and not item.expected_episodes:
        yield CalendarEntry(item.ends_on, item.id, item.title, "Last episode", Certainty.ANNOUNCED)


def _known(item: AnyRow, row: AnyRow, now: datetime) -> CalendarEntry | None:
    at = _moment(row)
    if at is None:
        return None
    is_offered = row.state != EpisodeState.EXPECTED
    return CalendarEntry(
        at.date(),
        item.id,
        item.title,
        episode_text(row.season, row.number, row.kind, row.title),
        Certainty.APPEARED if is_offered else Certainty.ANNOUNCED,
        EpisodeState(row.state),
        is_late=not is_offered and at < now,
    )


def _from_cadence(
    item: AnyRow, rows: Sequence[AnyRow], last: date, now: datetime
) -> Iterator[CalendarEntry]:
    regular = [
        row
        for row in rows
        if row.kind == EpisodeKind.REGULAR
        and row.number is not None
        and row.number == row.number.to_integral_value()
    ]
    season = max((row.season or 0 for row in regular), default=0)
    newest = [row for row in regular if (row.season or 0) == season]
    cadence = cadence_of(
        [
            Appearance(row.number, at)
            for row in newest
            if row.state != EpisodeState.EXPECTED and (at := _moment(row)) is not None
        ]
    )
    if cadence is None or cadence.is_over(now):
        return
    known = {row.number for row in newest}
    end = min(last, item.ends_on) if item.ends_on is not None else last
    until = datetime.combine(end, time.max, UTC)
    for each in cadence.following(until, item.expected_episodes):
        if each.number not in known:
            yield CalendarEntry(
                each.at.date(),
                item.id,
                item.title,
                episode_text(newest[0].season, each.number, EpisodeKind.REGULAR),
                Certainty.CADENCE,
                is_late=each.at + timedelta(days=1) < now,
            )


def _moment(row: AnyRow) -> datetime | None:
    """Return when an episode appears; when it was first seen says little where it is old."""
    if row.state == EpisodeState.EXPECTED:
        return row.airs_at
    return row.airs_at or row.published_at or row.first_seen_at
