"""What must be true at every moment of a chaos, and is looked at again and again."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from sqlalchemy import Connection, func, select

from sync_assets.ledger.schema import (
    inbox_events,
    relay_downloads,
    relay_media,
    relay_uploads,
)
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import OPEN_DOWNLOADS, VERIFIED_UPLOADS, DownloadState
from sync_assets.relay.updates import SOURCE
from sync_assets.relay.uploading.paths import PART_PREFIX
from sync_assets_tests.chaos.answers import found_in_lists
from sync_assets_tests.chaos.files import digest, files_below
from sync_assets_tests.chaos.intake import Intake, Orders
from sync_assets_tests.chaos.programs import aria2_state
from sync_assets_tests.chaos.secret_search import SIGNATURE, found_at_programs, search_of
from sync_assets_tests.chaos.stage import TARGETS, Stage
from sync_assets_tests.upstreams.telegram import TOKEN

_LOOKS_PER_SEARCH = 5


class Watch:
    """Looks again and again.

    Args:
        stage: At what.
        intake: What has come in.
        orders: What the API has acknowledged.
        contents: What is to be relayed.
    """

    def __init__(
        self, stage: Stage, intake: Intake, orders: Orders, contents: Collection[bytes]
    ) -> None:
        self._stage = stage
        self._intake = intake
        self._orders = orders
        self._wanted = frozenset(digest(content) for content in contents)
        self._digests: dict[tuple[Path, int, int, int], str] = {}
        self._published: dict[Path, tuple[int, int]] = {}
        self._looks = 0

    def look(self, *, at_rest: bool = False) -> Iterator[str]:
        """Say what is not right.

        Args:
            at_rest: Whether nothing runs any more but aria2 and the server.
        """
        self._looks += 1
        yield from self._acknowledged_is_stored()
        with self._stage.ledger.read() as connection:
            yield from _one_of_each(connection)
        yield from self._completed_is_there()
        yield from self._published_is_whole()
        yield from self._no_foreign_task(at_rest=at_rest)
        if at_rest or self._looks % _LOOKS_PER_SEARCH == 0:
            search = search_of(self._stage)
            yield from search.found_in_home(self._stage.settings.home, at_rest=at_rest)
            yield from found_at_programs(self._stage, search)
            yield from found_in_lists(self._stage, search)

    def _acknowledged_is_stored(self) -> Iterator[str]:
        """Every event that was acknowledged is in the ledger."""
        # Before the ledger is read: what is acknowledged by now must be there.
        updates, orders = self._intake.acknowledged_updates(), dict(self._orders.acknowledged)
        bot_id = TOKEN.partition(":")[0]
        with self._stage.ledger.read() as connection:
            query = select(inbox_events.c.event_id).where(inbox_events.c.source == SOURCE)
            stored = Counter(connection.execute(query).scalars())
            links = {
                row.id: row.link
                for row in connection.execute(select(relay_media.c.id, relay_media.c.link))
            }
        for update in updates:
            if stored[f"{bot_id}:{update}"] != 1:
                yield f"every acknowledged event is in the inbox: update {update} is not"
        for link, medium in orders.items():
            if links.get(medium) != link:
                yield f"every acknowledged event is in the inbox: the order of {link} is lost"

    def _completed_is_there(self) -> Iterator[str]:
        """What the ledger calls complete is here, or verified at all targets and cleaned."""
        for row in self._missing_files():
            # It may have been verified and removed since the ledger was read.
            if any(each.id == row.id for each in self._missing_files()):
                yield f"complete means that the file is there: download {row.id} has none"
        with self._stage.ledger.read() as connection:
            columns = relay_uploads.c
            query = select(relay_uploads, relay_downloads.c.checksum).join(relay_downloads)
            uploads = connection.execute(query.where(columns.state.in_(VERIFIED_UPLOADS))).all()
        for row in uploads:
            path = self._stage.clouds.files[TARGETS[row.target]] / row.remote_path
            found = self._digest(path)
            if found is None or f"sha-256={found}" != row.checksum:
                yield f"complete means that the target has it: upload {row.id} is not at its target"

    def _missing_files(self) -> list[AnyRow]:
        with self._stage.ledger.read() as connection:
            downloads = connection.execute(
                select(relay_downloads).where(relay_downloads.c.state == DownloadState.COMPLETED)
            ).all()
            verified = _verified(connection)
        missing = []
        for row in downloads:
            if verified[row.id] == len(TARGETS):
                continue
            found = self._digest(Path(row.path))
            if row.cleaned_at is not None or f"sha-256={found}" != row.checksum:
                missing.append(row)
        return missing

    def _published_is_whole(self) -> Iterator[str]:
        """What has its final name is whole, and is written once."""
        for cloud in TARGETS.values():
            root = self._stage.clouds.files[cloud]
            for path in files_below(root):
                if path.name.startswith(PART_PREFIX):
                    continue
                if self._digest(path) not in self._wanted:
                    yield f"nothing is published broken: {cloud}: {path.name}"
                status = path.stat()
                identity = (status.st_ino, status.st_mtime_ns)
                if self._published.setdefault(path, identity) != identity:
                    yield f"no bytes uploaded twice to a final name: {cloud}: {path.name}"
        for (method, path), count in sorted(self._stage.cloud.written.items()):
            is_part = path.rpartition("/")[2].startswith(PART_PREFIX)
            if not is_part and (method == "PUT" or count > 1):
                yield f"no bytes uploaded twice to a final name: {method} to {path}, {count} times"

    def _no_foreign_task(self, *, at_rest: bool) -> Iterator[str]:
        """No task of aria2 is unknown to the ledger, and none tells a secret."""
        client = self._stage.aria2()
        if client is None:
            return
        state = aria2_state(client)
        with self._stage.ledger.read() as connection:
            known = set(connection.execute(select(relay_downloads.c.gid)).scalars())
        for gid in sorted(state.gids - known):
            yield f"no orphan task of aria2: the ledger does not know {gid}"
        if at_rest and state.at_work:
            yield f"no orphan task of aria2: {len(state.at_work)} are at work when all rests"
        # aria2 fetches with the signature: it has to know it.
        yield from search_of(self._stage).without(SIGNATURE).found("what aria2 tells", state.told)

    def _digest(self, path: Path) -> str | None:
        """Return a file's SHA-256; None where there is none."""
        try:
            status = path.stat()
            key = (path, status.st_ino, status.st_mtime_ns, status.st_size)
            if key not in self._digests:
                self._digests[key] = digest(path.read_bytes())
        except FileNotFoundError:
            return None
        return self._digests[key]


def _one_of_each(connection: Connection) -> Iterator[str]:
    """One medium of each key, one open download of each medium, one upload of each target."""
    media, downloads, uploads = relay_media.c, relay_downloads.c, relay_uploads.c
    is_open = downloads.state.in_(OPEN_DOWNLOADS)
    found = {
        "one medium per file": select(media.key).group_by(media.key),
        "one open download per medium": select(downloads.media_id)
        .where(is_open)
        .group_by(downloads.media_id),
        "one upload per download and target": select(uploads.download_id).group_by(
            uploads.download_id, uploads.target
        ),
    }
    for invariant, query in found.items():
        for row in connection.execute(query.having(func.count() > 1)):
            yield f"{invariant}: several of {row[0]}"


def _verified(connection: Connection) -> Counter[int]:
    columns = relay_uploads.c
    query = select(columns.download_id).where(columns.state.in_(VERIFIED_UPLOADS))
    return Counter(connection.execute(query).scalars())
