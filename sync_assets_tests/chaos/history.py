"""What must be true of the history: every change of a state is in it, once, and was allowed."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Table, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import RecordedEvent
from sync_assets.ledger.inbox import INBOX
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import (
    events,
    inbox_events,
    relay_downloads,
    relay_media,
    relay_uploads,
)
from sync_assets.relay.downloads import DOWNLOADS
from sync_assets.relay.media import MEDIA
from sync_assets.relay.models import UploadState
from sync_assets.relay.uploads import UPLOADS
from sync_assets_tests.chaos.stage import TARGETS

LIFECYCLES: Sequence[tuple[Lifecycle, Table]] = (
    (INBOX, inbox_events),
    (MEDIA, relay_media),
    (DOWNLOADS, relay_downloads),
    (UPLOADS, relay_uploads),
)


def every_change_has_one_legal_event(ledger: Ledger) -> Iterator[str]:
    """Say which changes are missing from the history, are in it twice, or were not allowed.

    Args:
        ledger: The ledger.
    """
    with ledger.read() as connection:
        for lifecycle, table in LIFECYCLES:
            states = {
                str(row.id): row.state
                for row in connection.execute(select(table.c.id, table.c.state))
            }
            for subject, changes in _changes(connection, lifecycle).items():
                name = f"{lifecycle.name} {subject}"
                yield from _illegal(lifecycle, name, changes)
                if subject in states and changes[-1].state != states.pop(subject):
                    yield f"one event for every change: {name} has changed without an event"
            for subject in states:
                yield f"one event for every change: {lifecycle.name} {subject} has no event"


def nothing_is_cleaned_early(ledger: Ledger) -> Iterator[str]:
    """Say what was removed here before all its targets had it, and what was completed twice.

    Args:
        ledger: The ledger.
    """
    with ledger.read() as connection:
        download_of = {
            str(row.id): row.download_id for row in connection.execute(select(relay_uploads))
        }
        changes = _changes(connection, UPLOADS)
    completed: Counter[int] = Counter()
    times: Counter[str] = Counter()
    in_order = sorted((each for own in changes.values() for each in own), key=lambda each: each.id)
    for event in in_order:
        download = download_of[event.entity_id]
        if event.state == UploadState.COMPLETED:
            times[event.entity_id] += 1
            completed[download] += 1
        elif event.state == UploadState.CLEANED and completed[download] < len(TARGETS):
            yield f"no file cleaned before it is verified: download {download}"
    for upload, count in times.items():
        if count != 1:
            yield f"no bytes uploaded twice: upload {upload} is completed {count} times"


def _changes(connection: Connection, lifecycle: Lifecycle) -> Mapping[str, Sequence[RecordedEvent]]:
    """Return all changes of state of a lifecycle's rows, oldest first, by row."""
    query = select(events).where(events.c.entity == lifecycle.name, events.c.state.is_not(None))
    found: dict[str, list[RecordedEvent]] = defaultdict(list)
    for row in connection.execute(query.order_by(events.c.id)).mappings():
        found[row["entity_id"]].append(RecordedEvent(**row))
    return found


def _illegal(lifecycle: Lifecycle, name: str, changes: Sequence[RecordedEvent]) -> Iterator[str]:
    before: str | None = None
    for event in changes:
        if event.previous_state != before:
            yield f"one event for every change: {name}, none from {before} to {event.state}"
        elif before is not None and event.state not in lifecycle.transitions[before]:
            yield f"transitions along allowed edges: {name}, from {before} to {event.state}"
        elif before is None and event.state not in lifecycle.initial:
            yield f"transitions along allowed edges: {name} begins as {event.state}"
        before = event.state
