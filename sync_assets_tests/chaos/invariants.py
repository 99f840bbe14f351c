"""What must be true of a relay that has come to rest, whatever has happened to it."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select

from sync_assets.ledger.inbox import InboxState
from sync_assets.ledger.schema import (
    inbox_events,
    relay_downloads,
    relay_media,
    relay_messages,
    relay_uploads,
)
from sync_assets.relay.models import DownloadState, MediaState, UploadState
from sync_assets.relay.reconciling import reconcile
from sync_assets.relay.updates import SOURCE
from sync_assets_tests.chaos.files import digest
from sync_assets_tests.chaos.history import (
    every_change_has_one_legal_event,
    nothing_is_cleaned_early,
)
from sync_assets_tests.chaos.plan import Arrival, Way
from sync_assets_tests.chaos.stage import TARGETS, Stage


def violations(stage: Stage, arrivals: Sequence[Arrival], updates: Sequence[int]) -> Iterator[str]:
    """Say what is not right, now that everything rests; each begins with its invariant.

    Args:
        stage: What has come to rest.
        arrivals: What was to be relayed.
        updates: What the bot has received.
    """
    yield from _every_event_is_in_the_inbox(stage, updates)
    yield from _one_medium_per_file(stage, arrivals)
    yield from _everything_is_relayed(stage, [arrival.content for arrival in arrivals])
    yield from _everything_is_published_once(stage, [arrival.content for arrival in arrivals])
    yield from _nothing_is_left(stage)
    yield from nothing_is_cleaned_early(stage.ledger)
    yield from every_change_has_one_legal_event(stage.ledger)
    for finding in reconcile(stage.settings, stage.ledger, fix=False):
        yield f"reconcile: {finding.difference}, {finding.subject}: {finding.text}"


def _every_event_is_in_the_inbox(stage: Stage, updates: Sequence[int]) -> Iterator[str]:
    with stage.ledger.read() as connection:
        columns = inbox_events.c
        query = select(columns.event_id, columns.state).where(columns.source == SOURCE)
        states = {row.event_id.partition(":")[2]: row.state for row in connection.execute(query)}
    for update in updates:
        if states.get(str(update)) != InboxState.DONE:
            yield f"every event is in the inbox: update {update} is {states.get(str(update))}"


def _one_medium_per_file(stage: Stage, arrivals: Sequence[Arrival]) -> Iterator[str]:
    sent = [arrival for arrival in arrivals if arrival.way is Way.TELEGRAM]
    with stage.ledger.read() as connection:
        query = select(relay_media).where(relay_media.c.source == SOURCE)
        media = {row.key: row for row in connection.execute(query)}
        messages = Counter(connection.execute(select(relay_messages.c.media_id)).scalars())
    wanted = {f"{SOURCE}:{arrival.key}" for arrival in sent}
    if set(media) != wanted:
        yield f"one medium per file_unique_id: {sorted(set(media) ^ wanted)}"
    for arrival in sent:
        medium = media.get(f"{SOURCE}:{arrival.key}")
        if medium is None:
            continue
        if messages[medium.id] != 1 + arrival.repeats:
            yield f"one row per message: {arrival.key} has {messages[medium.id]}"
        if arrival.is_edited and medium.caption != f"edited {arrival.key}":
            yield f"an edit is applied: {arrival.key} is called {medium.caption!r}"


def _everything_is_relayed(stage: Stage, contents: Collection[bytes]) -> Iterator[str]:
    with stage.ledger.read() as connection:
        media = connection.execute(select(relay_media.c.state)).scalars().all()
        downloads = connection.execute(select(relay_downloads)).all()
        uploads = connection.execute(select(relay_uploads)).all()
    if media != [MediaState.RELAYED] * len(contents):
        yield f"nothing is lost: media are {dict(Counter(media))}, of {len(contents)}"
    if [row.state for row in downloads] != [DownloadState.COMPLETED] * len(contents):
        found = dict(Counter((row.state, row.reason_code) for row in downloads))
        yield f"nothing is lost or doubled: downloads are {found}"
    checksums = Counter((row.checksum or "").removeprefix("sha-256=") for row in downloads)
    if checksums != Counter(digest(content) for content in contents):
        yield "complete means the right checksum: those of the downloads are not the files'"
    if any(row.cleaned_at is None for row in downloads):
        yield "complete means verified and cleaned: a download is not cleaned"
    if [row.state for row in uploads] != [UploadState.CLEANED] * (len(TARGETS) * len(contents)):
        found = dict(Counter((row.state, row.failure_code) for row in uploads))
        yield f"nothing is lost or doubled: uploads are {found}"


def _everything_is_published_once(stage: Stage, contents: Collection[bytes]) -> Iterator[str]:
    wanted = Counter(digest(content) for content in contents)
    for cloud in TARGETS.values():
        found = Counter(digest(content) for content in stage.clouds.published(cloud).values())
        if found != wanted:
            lost, too_many = (wanted - found).total(), (found - wanted).total()
            yield f"nothing is lost or doubled: {cloud}: {lost} lost, {too_many} doubled or broken"
    for part in stage.clouds.parts():
        yield f"no part is left: {part.name} is, at {part.parent.name}"


def _nothing_is_left(stage: Stage) -> Iterator[str]:
    root = stage.settings.relay.download_directory
    for path in sorted(root.rglob("*")):
        yield f"no orphan file or control file: {path.relative_to(root)} is left"
