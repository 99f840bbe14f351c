"""The numbers of a day, on each kind of database."""

from sqlalchemy import update

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events, last_event_id
from sync_assets.ledger.schema import relay_media
from sync_assets.relay import downloads
from sync_assets.relay.counting import changed_days, count_all, count_day
from sync_assets.relay.models import DownloadState, Reason, ReasonCode


def test_only_the_days_that_changed_are_named_and_counted(ledger: Ledger) -> None:
    days = ("2026-02-01", "2026-02-02", "2026-02-03")
    with ledger.write() as connection:
        append_events(connection, [Event("result", "relay/not a number", state="ok")])
        ids = {}
        for day in days:
            wanted = relay.enqueue(connection, source="test", link=f"http://host/{day}")
            ids[day] = wanted.download_id
            connection.execute(
                update(relay_media).where(relay_media.c.id == wanted.media_id).values(day=day)
            )
        before = last_event_id(connection)
    with ledger.write() as connection:
        row = downloads.get(connection, ids["2026-02-01"])
        downloads.set_progress(connection, row.id, started_at=row.created_at)
        row = downloads.get(connection, row.id)
        downloads.complete(connection, [downloads.Finished(row, "/f", 7, None)], run_id="r")
        row = downloads.get(connection, ids["2026-02-03"])
        reason = Reason(ReasonCode.NOT_FOUND, "It is gone. Send another link.")
        downloads.end(connection, row, DownloadState.FAILED, reason, run_id="r")
    with ledger.read() as connection:
        assert changed_days(connection, before) == ["2026-02-01", "2026-02-03"]
        assert changed_days(connection, last_event_id(connection)) == []
        first, second, third = (count_day(connection, day) for day in days)
        assert (first.bytes, first.open, first.media_metadata()["downloaded"]) == (7, 0, 1)
        assert (second.bytes, second.open) == (0, 1)
        assert (third.failed, third.download_metadata()["failed"]) == (1, 1)
        assert count_all(connection) == {
            "relay_open": 1,
            "relay_failed": 1,
            "relay_disk_full": 0,
            "relay_completed": 1,
            "relay_uploads_open": 0,
            "relay_uploads_failed": 0,
            "relay_uploads_completed": 0,
        }


def test_the_newest_download_of_a_medium_counts(ledger: Ledger) -> None:
    with ledger.write() as connection:
        wanted = relay.enqueue(connection, source="test", link="http://host/a")
        row = downloads.get(connection, wanted.download_id)
        downloads.cancel(connection, row.id)
        downloads.retry(connection, row.id)
        counts = count_day(connection, row.media_day)
    assert (counts.open, counts.retries) == (1, 1)
