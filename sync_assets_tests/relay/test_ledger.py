"""The relay's tables: what they refuse, on each kind of database, and what is written to them."""

import itertools
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sync_assets.ledger import Ledger, Lifecycle
from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import relay_downloads, relay_media, relay_messages, relay_uploads
from sync_assets.ledger.types import utc_now
from sync_assets.relay import downloads, media
from sync_assets.relay.downloads import DOWNLOADS, DownloadNotPossibleError
from sync_assets.relay.media import MEDIA, MessageRef
from sync_assets.relay.models import (
    Command,
    DownloadKind,
    DownloadState,
    MediaState,
    Reason,
    ReasonCode,
)
from sync_assets.relay.uploads import UPLOADS
from sync_assets_tests.relay.media import link_medium, telegram_medium

WHY = Reason(ReasonCode.NETWORK, "The network is down. Wait.")


def insert_media(connection: Any, key: str, **values: Any) -> int:
    now = utc_now()
    usual = {
        "key": key,
        "origin": "link",
        "kind": "http",
        "day": "2026-01-01",
        "arrived_at": now,
        "changed_at": now,
        "name": "a",
        "link": "http://host/a",
        "source": "test",
        "state": "arrived",
    }
    statement = insert(relay_media).values({**usual, **values}).returning(relay_media.c.id)
    return connection.execute(statement).scalar_one()


def insert_download(connection: Any, media_id: int, gid: str, **values: Any) -> int:
    now = utc_now()
    usual = {
        "media_id": media_id,
        "gid": gid,
        "state": "pending",
        "created_at": now,
        "changed_at": now,
        "path": "/p",
        "completed_at": now,
        "reason_code": "user",
    }
    statement = insert(relay_downloads).values({**usual, **values})
    return connection.execute(statement.returning(relay_downloads.c.id)).scalar_one()


def insert_upload(connection: Any, download_id: int, **values: Any) -> int:
    now = utc_now()
    usual = {
        "download_id": download_id,
        "target": "gdrive",
        "part_id": "0123456789abcdef",
        "is_required": True,
        "state": "pending",
        "created_at": now,
        "changed_at": now,
    }
    statement = insert(relay_uploads).values({**usual, **values})
    return connection.execute(statement.returning(relay_uploads.c.id)).scalar_one()


def born(ledger: Ledger, lifecycle: Lifecycle) -> int:
    """Make one row of a lifecycle, and nothing else."""
    with ledger.write() as connection:
        for table in (relay_uploads, relay_downloads, relay_media):
            connection.execute(table.delete())
        media_id = insert_media(connection, "k")
        if lifecycle is MEDIA:
            return media_id
        download_id = insert_download(connection, media_id, "00000000000000ab")
        return download_id if lifecycle is DOWNLOADS else insert_upload(connection, download_id)


def way_to(lifecycle: Lifecycle, state: str) -> list[str]:
    """Return the shortest way from a new row to a state."""
    ways: dict[str, list[str]] = {each: [] for each in ("arrived", "pending")}
    reached = [each for each in ways if each in list(lifecycle.states)]
    for before in reached:
        for after in lifecycle.transitions[before]:
            if after not in ways:
                ways[after] = [*ways[before], after]
                reached.append(after)
    return ways[state]


def set_state(connection: Any, lifecycle: Lifecycle, row_id: int, state: str) -> None:
    values: dict[str, Any] = {"state": state}
    if lifecycle is UPLOADS:
        now = utc_now()
        values |= {"cleaned_at": now if state == "cleaned" else None}
        values |= {"verified_by": "sha256", "completed_at": now, "failure_code": "x"}
    table = lifecycle.table
    connection.execute(update(table).where(table.c.id == row_id).values(values))


@pytest.mark.parametrize("lifecycle", [MEDIA, DOWNLOADS, UPLOADS], ids=lambda each: each.name)
def test_the_database_refuses_every_change_of_state_that_is_not_declared(
    ledger: Ledger, lifecycle: Lifecycle
) -> None:
    for before, after in itertools.permutations(lifecycle.states, 2):
        row_id = born(ledger, lifecycle)
        with ledger.write() as connection:
            for step in way_to(lifecycle, before):
                set_state(connection, lifecycle, row_id, step)
        if after in lifecycle.transitions[before]:
            with ledger.write() as connection:
                set_state(connection, lifecycle, row_id, after)
        else:
            with pytest.raises(DBAPIError, match=f"illegal {lifecycle.name} state"):
                with ledger.write() as connection:
                    set_state(connection, lifecycle, row_id, after)


@pytest.mark.parametrize(
    "values",
    [
        {"gid": "0000000000000000"},
        {"gid": "123"},
        {"state": "completed"},
        {"command": "explode"},
        {"completed_bytes": -1},
    ],
)
def test_a_download_that_makes_no_sense_is_refused(ledger: Ledger, values: dict[str, Any]) -> None:
    with ledger.write() as connection:
        media_id = insert_media(connection, "k")
    with pytest.raises(DBAPIError), ledger.write() as connection:
        insert_download(connection, media_id, **{"gid": "00000000000000ab", **values})


def test_a_download_says_why_it_failed(ledger: Ledger) -> None:
    row_id = born(ledger, DOWNLOADS)
    with pytest.raises(IntegrityError, match="relay_download_has_its_reason"):
        with ledger.write() as connection:
            DOWNLOADS.transition(connection, row_id, DownloadState.FAILED, reason_code=None)


def test_an_upload_is_completed_only_when_it_is_verified(ledger: Ledger) -> None:
    row_id = born(ledger, UPLOADS)
    with pytest.raises(IntegrityError, match="relay_upload_completed_is_verified"):
        with ledger.write() as connection:
            UPLOADS.transition(connection, row_id, UPLOADS.states("completed"))


def test_a_medium_has_one_open_download(ledger: Ledger) -> None:
    with ledger.write() as connection:
        media_id = insert_media(connection, "k")
        insert_download(connection, media_id, "00000000000000aa")
    with pytest.raises(IntegrityError), ledger.write() as connection:
        insert_download(connection, media_id, "00000000000000bb")
    with ledger.write() as connection:
        connection.execute(update(relay_downloads).values(state="completed"))
        insert_download(connection, media_id, "00000000000000bb")


def test_a_download_has_one_upload_per_target(ledger: Ledger) -> None:
    with ledger.write() as connection:
        download_id = insert_download(connection, insert_media(connection, "k"), "00000000000000aa")
        insert_upload(connection, download_id)
    with pytest.raises(IntegrityError), ledger.write() as connection:
        insert_upload(connection, download_id, part_id="another")


def test_a_gid_is_used_once(ledger: Ledger) -> None:
    with ledger.write() as connection:
        insert_download(connection, insert_media(connection, "1"), "00000000000000aa")
    with pytest.raises(IntegrityError), ledger.write() as connection:
        insert_download(connection, insert_media(connection, "2"), "00000000000000aa")


def test_the_same_medium_again_is_one_medium_with_the_newest_file_id(ledger: Ledger) -> None:
    with ledger.write() as connection:
        first = media.add_medium(connection, telegram_medium("u1", file_id="old"))
        again = media.add_medium(connection, telegram_medium("u1", file_id="fresh"))
        assert (again.id, again.file_id) == (first.id, "fresh")
        assert media.add_message(connection, MessageRef("1", 5, "5"), first.id)
        assert not media.add_message(connection, MessageRef("1", 5, "5"), first.id)
        assert media.add_message(connection, MessageRef("1", 6, "6"), first.id)


def test_another_source_does_not_replace_the_link_of_the_same_torrent(ledger: Ledger) -> None:
    values = {"kind": DownloadKind.MAGNET, "infohash": "a" * 40, "key": f"torrent:{'a' * 40}"}
    own, foreign = (f"magnet:?xt=urn:btih:{'a' * 40}&tr=http://{host}/" for host in ("x", "y"))
    with ledger.write() as connection:
        media.add_medium(connection, link_medium(own, source="watchlist", **values))
        again = media.add_medium(connection, link_medium(foreign, source="api", **values))
        assert again.link == own
        fresh = media.add_medium(connection, link_medium(foreign, source="watchlist", **values))
        assert fresh.link == foreign


def test_an_edited_message_changes_its_text(ledger: Ledger) -> None:
    with ledger.write() as connection:
        row = media.add_medium(connection, telegram_medium("u1"))
        media.add_message(connection, MessageRef("1", 5, "5", caption="before"), row.id)
        media.add_message(
            connection, MessageRef("1", 5, "5", caption="after"), row.id, is_edit=True
        )
        media.add_message(connection, MessageRef("1", 5, "5", caption="before"), row.id)
        message = connection.execute(select(relay_messages)).one()
    assert message.caption == "after"
    assert message.edited_at is not None


def new_download(ledger: Ledger) -> int:
    with ledger.write() as connection:
        row = media.add_medium(connection, link_medium("http://host/a"))
        return downloads.create(connection, row)


def look(ledger: Ledger, download_id: int) -> Any:
    with ledger.read() as connection:
        return downloads.get(connection, download_id)


def test_what_a_user_wants_is_written_without_any_worker(ledger: Ledger) -> None:
    download_id = new_download(ledger)
    with ledger.write() as connection:
        downloads.pause(connection, download_id)
    row = look(ledger, download_id)
    assert (row.state, row.command, row.reason_code) == ("paused", "pause", "user")
    with ledger.write() as connection:
        downloads.resume(connection, download_id)
    row = look(ledger, download_id)
    assert (row.state, row.command, row.reason_code) == ("pending", "resume", None)
    with ledger.write() as connection:
        downloads.cancel(connection, download_id)
    row = look(ledger, download_id)
    assert (row.state, row.command, row.media_state) == ("cancelled", "cancel", "cancelled")
    with ledger.write() as connection:
        downloads.retry(connection, download_id)
    row = look(ledger, download_id)
    assert (row.state, row.retries, row.media_state) == ("pending", 1, "arrived")


def test_a_completed_download_is_not_paused_resumed_retried_or_cancelled(ledger: Ledger) -> None:
    download_id = new_download(ledger)
    with ledger.write() as connection:
        row = downloads.get(connection, download_id)
        downloads.complete(connection, [downloads.Finished(row, "/f", 3, "sha-256=00")], run_id="r")
    assert look(ledger, download_id).media_state == MediaState.DOWNLOADED
    for wish in (downloads.pause, downloads.resume, downloads.retry, downloads.cancel):
        with pytest.raises(DownloadNotPossibleError), ledger.write() as connection:
            wish(connection, download_id)


def test_a_newer_wish_is_not_forgotten_with_the_older_one(ledger: Ledger) -> None:
    download_id = new_download(ledger)
    with ledger.write() as connection:
        downloads.pause(connection, download_id)
    seen = look(ledger, download_id)
    with ledger.write() as connection:
        downloads.resume(connection, download_id)
        assert not downloads.heard(connection, seen)
    assert look(ledger, download_id).command == Command.RESUME


def test_every_change_of_state_leaves_one_event_with_its_reason(ledger: Ledger) -> None:
    download_id = new_download(ledger)
    with ledger.write() as connection:
        row = downloads.get(connection, download_id)
        downloads.end(connection, row, DownloadState.FAILED, WHY, run_id="r")
    with ledger.read() as connection:
        history = read_events(connection, entity="relay_download", entity_id=str(download_id))
    assert [event.state for event in history] == ["pending", "failed"]
    assert history[-1].detail == {"reason_code": WHY.code, "reason": WHY.text}


def test_deleting_a_medium_deletes_all_that_is_its(ledger: Ledger) -> None:
    download_id = new_download(ledger)
    with ledger.write() as connection:
        insert_upload(connection, download_id)
        media_id = downloads.get(connection, download_id).media_id
        media.add_message(connection, MessageRef("1", 5, "5"), media_id)
        connection.execute(text("DELETE FROM relay_media"))
        for table in (relay_uploads, relay_downloads, relay_messages):
            assert connection.execute(select(table)).all() == []
