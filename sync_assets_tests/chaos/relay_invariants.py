"""What must be true of a relay that has come to rest, whatever has happened to it."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import RecordedEvent, read_events
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_uploads
from sync_assets.relay.downloads import DOWNLOADS
from sync_assets.relay.media import MEDIA
from sync_assets.relay.reconciling import reconcile
from sync_assets.relay.uploads import UPLOADS
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.clouds import PASSWORD, Clouds

_CLOUDS = ("gdrive", "onedrive")


def violations(
    settings: Settings, ledger: Ledger, clouds: Clouds, contents: Collection[bytes], log: Path
) -> Iterator[str]:
    """Say what is not right, now that everything rests.

    Args:
        settings: The configuration.
        ledger: The ledger.
        clouds: Where the files were brought.
        contents: What was wanted.
        log: What the workers have printed.
    """
    yield from _rows(ledger, contents)
    yield from _published(clouds, contents)
    yield from _history(ledger)
    yield from _disk(settings)
    yield from _secrets(settings, log)
    for finding in reconcile(settings, ledger, fix=False):
        yield f"reconcile: {finding.difference}, {finding.subject}: {finding.text}"


def broken_files(clouds: Clouds, contents: Collection[bytes]) -> Iterator[str]:
    """Say which published files are not whole; true at any moment.

    Args:
        clouds: Where the files are brought.
        contents: What is wanted.
    """
    wanted = {_digest(content) for content in contents}
    for cloud in _CLOUDS:
        root = clouds.files[cloud]
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.name.startswith(".part-"):
                content = path.read_bytes()
                if _digest(content) not in wanted:
                    yield f"{cloud}: {path.name} is published broken, with {len(content)} bytes"


def _rows(ledger: Ledger, contents: Collection[bytes]) -> Iterator[str]:
    with ledger.read() as connection:
        media = connection.execute(select(relay_media.c.state)).scalars().all()
        downloads = connection.execute(select(relay_downloads)).all()
        uploads = connection.execute(select(relay_uploads)).all()
    if media != ["relayed"] * len(contents):
        yield f"media: {dict(Counter(media))} instead of {len(contents)} relayed"
    if [row.state for row in downloads] != ["completed"] * len(contents):
        yield f"downloads: {dict(Counter(row.state for row in downloads))}"
    found = Counter((row.checksum or "").removeprefix("sha-256=") for row in downloads)
    if found != Counter(_digest(content) for content in contents):
        yield "downloads: their checksums are not those of the files"
    if [row.state for row in uploads] != ["cleaned"] * (len(_CLOUDS) * len(contents)):
        yield f"uploads: {dict(Counter((row.state, row.failure_code) for row in uploads))}"


def _published(clouds: Clouds, contents: Collection[bytes]) -> Iterator[str]:
    wanted = Counter(_digest(content) for content in contents)
    for cloud in _CLOUDS:
        found = Counter(_digest(content) for content in clouds.published(cloud).values())
        if found != wanted:
            lost, too_many = (wanted - found).total(), (found - wanted).total()
            yield f"{cloud}: {lost} files are lost, {too_many} are doubled or broken"
    for part in clouds.parts():
        yield f"{part.name} is left at a cloud"


def _history(ledger: Ledger) -> Iterator[str]:
    with ledger.read() as connection:
        download_of = {
            str(row.id): row.download_id for row in connection.execute(select(relay_uploads))
        }
        last = {
            lifecycle.name: read_events(connection, entity=lifecycle.name)
            for lifecycle in (MEDIA, DOWNLOADS, UPLOADS)
        }
    for lifecycle in (MEDIA, DOWNLOADS, UPLOADS):
        yield from _illegal(lifecycle, last[lifecycle.name])
    completed: Counter[int] = Counter()
    times: Counter[str] = Counter()
    for event in last[UPLOADS.name]:
        download = download_of[event.entity_id]
        if event.state == "completed":
            times[event.entity_id] += 1
            completed[download] += 1
        elif event.state == "cleaned" and completed[download] < len(_CLOUDS):
            yield f"download {download} is cleaned before all targets have it"
    for upload, count in times.items():
        if count != 1:
            yield f"upload {upload} is completed {count} times"


def _illegal(lifecycle: Lifecycle, events: Collection[RecordedEvent]) -> Iterator[str]:
    at: dict[str, str | None] = {}
    for event in events:
        before = at.get(event.entity_id)
        if event.previous_state != before:
            yield f"{lifecycle.name} {event.entity_id}: no event from {before} to {event.state}"
        elif before is not None and event.state not in lifecycle.transitions[before]:
            yield f"{lifecycle.name} {event.entity_id}: from {before} to {event.state}"
        at[event.entity_id] = event.state


def _disk(settings: Settings) -> Iterator[str]:
    root = settings.relay.download_directory
    for path in sorted(root.rglob("*")):
        yield f"{path.relative_to(root)} is left on the disk"


def _secrets(settings: Settings, log: Path) -> Iterator[str]:
    for path in [log, *settings.home.rglob("*")]:
        if path.is_file() and PASSWORD.encode() in path.read_bytes():
            yield f"{path.name} holds a secret"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
