"""From the ledger to decisions: what an item has, what it is offered, and what to do about it.

`choosing` decides; this module says in its terms what the ledger holds, and writes down what is
not to be taken now.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from sync_assets.ledger.lifecycle import StateConflictError, UnknownSubjectError
from sync_assets.ledger.types import AnyRow
from sync_assets.settings.watchlist import WatchlistChoosingSettings
from sync_assets.watchlist import episodes, releases, user_settings
from sync_assets.watchlist.choosing import Decision, Held, Offer, Verdict, Wishes, choose
from sync_assets.watchlist.item_numbering import numbers_between
from sync_assets.watchlist.models import EpisodeState, ItemState, Quality
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

_E = EpisodeState
_LINES = {Quality.FULL_HD: 1080, Quality.HD: 720, Quality.SD: 480}
_UNDER_WAY = (_E.QUEUED, _E.DOWNLOADING)
_UNWANTED = (_E.SKIPPED, _E.HAD)
_AUTOMATIC_OFF = "Automatic downloads are off; take it by hand."


@dataclass(frozen=True)
class Situation:
    """Where an item stands.

    Attributes:
        item: Its row.
        episodes: Its episodes' rows, by number.
        releases: Its releases' rows, by key.
        decisions: What is to be done about the episodes that it misses.
    """

    item: AnyRow
    episodes: Mapping[EpisodeNumber, AnyRow]
    releases: Mapping[str, AnyRow]
    decisions: Sequence[Decision]


def number_of(row: AnyRow) -> EpisodeNumber:
    """Return which episode a row of episodes or releases is about; season 1 is as good as none.

    Args:
        row: The row.
    """
    season = None if row.season == 1 else row.season
    return EpisodeNumber(season, row.number, EpisodeKind(row.kind))


def situation(
    connection: Connection, item: AnyRow, settings: WatchlistChoosingSettings, now: datetime
) -> Situation:
    """Find out where an item stands, and decide.

    Args:
        connection: A transaction of the ledger.
        item: The item's row.
        settings: How to choose.
        now: The time.
    """
    by_number = {number_of(row): row for row in episodes.of_item(connection, item.id)}
    offered = releases.of_item(connection, item.id)
    groups = {row.id: row for row in offered}
    held = {
        number: held
        for number, row in by_number.items()
        if (held := _held(row, groups.get(row.release_id), now)) is not None
    }
    offers = [_offer(row, by_number, settings, now) for row in offered]
    demanded = {number for number, row in by_number.items() if row.state == _E.WANTED}
    decisions = choose(offers, held, _wishes(item, settings), now, demanded=demanded)
    return Situation(item, by_number, {row.key: row for row in offered}, decisions)


def to_take(situation: Situation, *, is_automatic: bool) -> list[Decision]:
    """Return the decisions to take something.

    Args:
        situation: Where an item stands.
        is_automatic: Whether anything is taken that nobody asked for by hand.
    """
    return [
        decision
        for decision in situation.decisions
        if decision.verdict is Verdict.TAKE
        and (is_automatic or _is_by_hand(decision.episodes, situation.episodes))
    ]


def is_automatic(connection: Connection, item: AnyRow) -> bool:
    """Whether an item's episodes are downloaded by themselves.

    Args:
        connection: A transaction of the ledger.
        item: The item's row.
    """
    is_followed = item.state in (ItemState.ACTIVE, ItemState.COMPLETED)
    wanted = user_settings.read(connection, item.owner).auto_download_enabled
    return is_followed and item.auto_download and wanted


@dataclass(frozen=True)
class Left:
    """An episode that is not taken now.

    Attributes:
        episode_id: Which.
        state: `found`, or `waiting` for something better.
        reason: Why, for people.
        not_before: When the wait is over.
    """

    episode_id: int
    state: EpisodeState
    reason: str
    not_before: datetime | None = None


def left(situation: Situation, *, is_automatic: bool) -> list[Left]:
    """Return the episodes that are not taken now, as far as that is not written down already.

    Args:
        situation: Where an item stands.
        is_automatic: Whether anything is taken that nobody asked for by hand.
    """
    found = []
    for decision in situation.decisions:
        for number in decision.episodes:
            row = situation.episodes.get(number)
            if row is None or row.state not in (_E.FOUND, _E.WAITING):
                continue
            entry = _left(row, decision, is_automatic=is_automatic)
            if entry is not None and entry != Left(row.id, row.state, row.reason, row.not_before):
                found.append(entry)
    return found


def write_down(connection: Connection, entries: Iterable[Left], *, run_id: str | None) -> None:
    """Write down why episodes are not taken now.

    Args:
        connection: A writing transaction of the ledger.
        entries: The episodes. One that changed its state meanwhile stays as it is.
        run_id: The Dagster run.
    """
    for entry in entries:
        with suppress(StateConflictError, UnknownSubjectError):
            episodes.move(
                connection,
                entry.episode_id,
                entry.state,
                expected=(_E.FOUND, _E.WAITING),
                run_id=run_id,
                reason=entry.reason,
                not_before=entry.not_before,
            )


def _left(row: AnyRow, decision: Decision, *, is_automatic: bool) -> Left | None:
    if decision.verdict is Verdict.NOTHING:
        return Left(row.id, _E.FOUND, decision.reason)
    if not is_automatic:
        return Left(row.id, _E.FOUND, _AUTOMATIC_OFF)
    if decision.verdict is Verdict.WAIT:
        return Left(row.id, _E.WAITING, decision.reason, decision.until)
    return None


def _wishes(item: AnyRow, settings: WatchlistChoosingSettings) -> Wishes:
    return Wishes(
        lines=_LINES.get(Quality(item.quality)),
        language=item.language,
        groups=tuple(item.preferred_groups),
        replaces_versions=settings.replaces_versions,
        wait=timedelta(hours=settings.wait_hours),
        batch_minimum=settings.batch_minimum,
    )


def _held(row: AnyRow, release: AnyRow | None, now: datetime) -> Held | None:
    """Say in which way an episode needs no release now; None where it needs one."""
    if row.state == _E.DOWNLOADED:
        group = release.release_group if release is not None else None
        return Held(True, row.version, group, row.resolution)
    is_put_off = row.state == _E.WANTED and row.not_before is not None and row.not_before > now
    return Held(is_settled=False) if is_put_off or row.state in (*_UNDER_WAY, *_UNWANTED) else None


def _offer(
    row: AnyRow,
    by_number: Mapping[EpisodeNumber, AnyRow],
    settings: WatchlistChoosingSettings,
    now: datetime,
) -> Offer:
    first = number_of(row)
    numbers = tuple(
        replace(first, number=number) for number in numbers_between(row.number, row.last_number)
    )
    attempts = min((by_number[each].attempts for each in numbers if each in by_number), default=0)
    is_given_up = row.failed_at is not None and (
        attempts >= settings.max_attempts
        or now < row.failed_at + timedelta(hours=settings.retry_hours)
    )
    return Offer(
        key=row.key,
        episodes=numbers,
        first_seen_at=row.first_seen_at,
        resolution=row.resolution,
        group=row.release_group,
        version=row.version,
        language=row.language,
        is_doubtful=row.needs_review,
        is_given_up=is_given_up,
    )


def _is_by_hand(
    numbers: Collection[EpisodeNumber], by_number: Mapping[EpisodeNumber, AnyRow]
) -> bool:
    rows = (by_number.get(number) for number in numbers)
    return any(row is not None and row.state == _E.WANTED for row in rows)
