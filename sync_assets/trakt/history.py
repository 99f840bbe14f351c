"""The history: every play once, back-dated, changed and removed ones included.

`start_at` filters by `watched_at`, which users may set to any day, so "since the last time" would
miss plays. What changed is found otherwise: `last_activities` says whether, `/sync/watched` says
which shows and films (`last_updated_at`, and the number of plays), and their histories say what. A
reading of everything from time to time, and where so much changed that it is cheaper, makes sure.
"""

import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from sync_assets.trakt.account import AccountWork, Outcome, parse_each
from sync_assets.trakt.activities import changed_sections
from sync_assets.trakt.models import Activities, MediaType, Play, WatchedEntry
from sync_assets.trakt.parsing import moment, parse_play, parse_watched
from sync_assets.trakt.reconciling import reconcile
from sync_assets.trakt.tables import HISTORY, HISTORY_TABLE

DATASET = "history"
SEPARATOR = "|"
_PLAYS_PER_PAGE = 250
_WHOLE_READING = "read_whole_at"
_SUBJECTS = {"episodes": (MediaType.SHOW, MediaType.EPISODE), "movies": (MediaType.MOVIE,) * 2}

logger = logging.getLogger(__name__)

Items = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Stored:
    """What the lake holds of an account.

    Attributes:
        months: Its rows by month.
        plays: The same by history id, each once.
    """

    months: Mapping[str, list[Play]]
    plays: Mapping[Hashable, Play]


def follow(work: AccountWork, activities: Activities) -> Outcome:
    """Bring the history up to date with what changed.

    Args:
        work: The account.
        activities: What Trakt says about when something changed.

    Returns:
        What was done; no request was sent where nothing is new.

    Raises:
        SyncError: Trakt or the lake could not be read; the cursor stays.
    """
    cursor = work.cursor(DATASET)
    changed = changed_sections(activities, DATASET, cursor)
    if not changed:
        return Outcome({"added": 0, "changed": 0, "removed": 0})
    stored = load(work)
    touched: dict[str, set[int]] = {}
    if not _needs_whole_reading(work, cursor):
        touched = {
            section: _touched(work, section, cursor.get(section), stored) for section in changed
        }
    count = sum(len(ids) for ids in touched.values())
    if not touched or count > ceil(len(stored.plays) / _PLAYS_PER_PAGE):
        outcome = _apply(work, stored, _read(work, "/sync/history"), lambda _: True)
        whole_at = work.now.isoformat()
    else:
        outcome = _follow_touched(work, stored, touched)
        whole_at = cursor[_WHOLE_READING]
    if not outcome.failures:
        work.move(DATASET, {**cursor, **changed, _WHOLE_READING: whole_at})
    return outcome


def read_months(work: AccountWork, months: Iterable[str]) -> Outcome:
    """Read the history of some months anew. Moves no cursor: the rest was not looked at.

    Args:
        work: The account.
        months: Such as `2026-11`.

    Raises:
        SyncError: Trakt or the lake could not be read.
    """
    wanted = set(months)
    stored = load(work)
    items: Items = []
    for first, last in _spans(sorted(wanted)):
        # A day more on both sides: which time zone Trakt means by a day is not documented.
        query = {"end_at": (_next_month(last) + timedelta(days=1)).isoformat()}
        if first != work.settings.first_month:
            start = date.fromisoformat(f"{first}-01") - timedelta(days=1)
            query["start_at"] = start.isoformat()
        items += _read(work, "/sync/history", query)
    month_of = partial(_month, first_month=work.settings.first_month)
    return _apply(
        work,
        stored,
        items,
        lambda play: month_of(play.watched_at) in wanted,
        only_months=wanted,
    )


def load(work: AccountWork) -> Stored:
    """Read what the lake holds of an account.

    Args:
        work: The account.

    Raises:
        LakeError: It is damaged.
    """
    prefix = f"{work.name}{SEPARATOR}"
    months = {
        partition.removeprefix(prefix): HISTORY_TABLE.read(work.lake, partition)
        for partition in work.lake.partitions(HISTORY)
        if partition.startswith(prefix)
    }
    plays: dict[Hashable, Play] = {}
    for rows in months.values():
        for play in rows:
            # A crash between two files can leave a play in both; the one that is live counts.
            if play.key not in plays or plays[play.key].removed_at is not None:
                plays[play.key] = play
    return Stored(months, plays)


def _needs_whole_reading(work: AccountWork, cursor: Mapping[str, Any]) -> bool:
    last = moment(cursor.get(_WHOLE_READING))
    return last is None or work.now - last >= timedelta(days=work.settings.full_reading_days)


def _touched(work: AccountWork, section: str, since: str | None, stored: Stored) -> set[int]:
    """Return the shows or films of which plays were added, changed or removed."""
    subject, media_type = _SUBJECTS[section]
    path = "/sync/watched/" + subject.section
    failures: list[str] = []
    entries = parse_each(
        work.source.items(path, paged=False),
        partial(parse_watched, media_type=subject),
        failures,
    )
    for failure in failures:
        logger.warning("%s: %s", path, failure)
    counts: dict[int, int] = {}
    for play in stored.plays.values():
        if play.media_type == media_type and play.removed_at is None:
            counts[play.trakt] = counts.get(play.trakt, 0) + 1
    gone = counts.keys() - {entry.trakt for entry in entries}
    known_until = moment(since)
    return gone | {
        entry.trakt for entry in entries if _is_touched(entry, known_until, counts.get(entry.trakt))
    }


def _is_touched(entry: WatchedEntry, known_until: datetime | None, count: int | None) -> bool:
    if known_until is None or entry.last_updated_at is None or entry.plays != count:
        return True
    return entry.last_updated_at >= known_until


def _follow_touched(work: AccountWork, stored: Stored, touched: Mapping[str, set[int]]) -> Outcome:
    items: Items = []
    for section, ids in touched.items():
        for trakt in sorted(ids):
            items += _read(work, f"/sync/history/{_SUBJECTS[section][0].section}/{trakt}")
    scope = {(_SUBJECTS[section][1], trakt) for section, ids in touched.items() for trakt in ids}
    return _apply(work, stored, items, lambda play: (play.media_type, play.trakt) in scope)


def _read(work: AccountWork, path: str, query: Mapping[str, str] | None = None) -> Items:
    return work.source.items(path, {"extended": "full", **(query or {})})


def _apply(
    work: AccountWork,
    stored: Stored,
    items: Items,
    in_scope: Callable[[Play], bool],
    only_months: Collection[str] = (),
) -> Outcome:
    """Reconcile what was read with what is known, and write the months that differ."""
    failures: list[str] = []
    plays = parse_each(items, partial(parse_play, seen_at=work.now), failures)
    unreadable = {item.get("id") for item in items} - {play.history_id for play in plays}
    result = reconcile(
        stored.plays,
        [play for play in plays if in_scope(play)] if only_months else plays,
        # What has no id could be any of the known ones.
        in_scope=in_scope if None not in unreadable else lambda _: False,
        now=work.now,
        unreadable=unreadable,
    )
    months: dict[str, list[Play]] = {month: [] for month in {*stored.months, *only_months}}
    for play in result.rows.values():
        month = _month(play.watched_at, work.settings.first_month)
        months.setdefault(month, []).append(play)
    written = _write(work, stored, months, only_months)
    numbers = {"added": result.added, "changed": result.changed, "removed": result.removed}
    return Outcome(numbers, failures, written)


def _write(
    work: AccountWork,
    stored: Stored,
    months: Mapping[str, list[Play]],
    always: Collection[str],
) -> list[str]:
    differing = []
    for month, rows in months.items():
        rows.sort(key=lambda play: (play.watched_at, play.history_id))
        if month in always or rows != stored.months.get(month, []):
            differing.append(month)
    # Those that gain a play before those that lose one: a crash in between loses nothing.
    differing.sort(key=lambda month: _is_losing(stored.months.get(month, []), months[month]))
    for month in differing:
        HISTORY_TABLE.write(work.lake, f"{work.name}{SEPARATOR}{month}", months[month])
    return sorted(differing)


def _is_losing(before: Iterable[Play], after: Iterable[Play]) -> bool:
    return not {play.key for play in before} <= {play.key for play in after}


def _month(watched_at: datetime, first_month: str) -> str:
    return max(f"{watched_at:%Y-%m}", first_month)


def _next_month(month: str) -> date:
    return (date.fromisoformat(f"{month}-01") + timedelta(days=31)).replace(day=1)


def _spans(months: list[str]) -> list[tuple[str, str]]:
    """Put months that follow one another together, as pairs of the first and the last."""
    spans: list[tuple[str, str]] = []
    for month in months:
        if spans and f"{_next_month(spans[-1][1]):%Y-%m}" == month:
            spans[-1] = (spans[-1][0], month)
        else:
            spans.append((month, month))
    return spans
