"""Lists, numbers and deletions of records, on each kind of database."""

from typing import Any

import pytest

from sync_assets.ledger import Ledger, UnknownSubjectError
from sync_assets.ledger.events import last_event_id, read_events
from sync_assets.ledger.types import utc_now
from sync_assets.relay import downloads, enqueue, uploads
from sync_assets.relay.deleting import RecordInUseError, delete_download, delete_upload
from sync_assets.relay.listing import (
    Filter,
    Position,
    downloads_of,
    list_downloads,
    list_media,
    list_uploads,
    uploads_of,
)
from sync_assets.relay.models import DownloadState, Reason, ReasonCode, UploadState
from sync_assets.relay.statistics import (
    download_days,
    download_totals,
    upload_days,
    upload_totals,
)
from sync_assets.relay.uploads import UPLOADS
from sync_assets.relay.waiting import find_due
from sync_assets.server.live.transfer_board import TransferBoard, transfers_of

ALL = Position(None, 50)


def add(ledger: Ledger, path: str, **values: Any) -> int:
    with ledger.write() as connection:
        link = f"http://host/{path}"
        return enqueue(connection, source="test", link=link, **values).download_id


def complete(ledger: Ledger, download_id: int) -> None:
    with ledger.write() as connection:
        row = downloads.get(connection, download_id)
        downloads.complete(
            connection, [downloads.Finished(row, "/f", 3_000_000_000, None)], run_id="r"
        )


def upload(ledger: Ledger, download_id: int, state: UploadState, **values: Any) -> int:
    with ledger.write() as connection:
        row = {
            "download_id": download_id,
            "target": "cloud",
            "part_id": str(download_id),
            "is_required": True,
            "created_at": utc_now(),
            "state": UploadState.PENDING,
        }
        (upload_id,) = UPLOADS.create(connection, [row])
        assert upload_id is not None
        if state is not UploadState.PENDING:
            UPLOADS.transition(connection, upload_id, state, **values)
        return upload_id


def test_lists_are_filtered_and_paged(ledger: Ledger) -> None:
    first, second = add(ledger, "a.mkv", name="Übung_1.mkv"), add(ledger, "b.mkv")
    upload(ledger, first, UploadState.PENDING)
    with ledger.read() as connection:

        def found(position: Position = ALL, **wanted: Any) -> list[int]:
            return [row.id for row in list_downloads(connection, Filter(**wanted), position)]

        assert found() == [second, first]
        assert found(Position(second, 1)) == [first]
        assert found(text="BUNG_1") == [first]
        assert found(text="bung%1") == []
        assert found(target="cloud") == [first]
        assert found(states=["pending"], kinds=["http"]) == [second, first]
        assert found(day="2001-01-01") == []
        media = list_media(connection, Filter(target="cloud"), ALL)
        assert [row.name for row in media] == ["Übung_1.mkv"]
        grouped = downloads_of(connection, [row.id for row in media])
        assert [row.id for row in grouped[media[0].id]] == [first]
        assert len(uploads_of(connection, [first])[first]) == 1
        assert len(list_uploads(connection, Filter(download_id=first), ALL)) == 1


def test_numbers(ledger: Ledger) -> None:
    done, moving = add(ledger, "a"), add(ledger, "b")
    complete(ledger, done)
    upload(ledger, done, UploadState.UPLOADING, bytes_per_second=5, uploaded_bytes=2)
    with ledger.write() as connection:
        row = downloads.get(connection, moving)
        started = downloads.Move(
            row, DownloadState.DOWNLOADING, columns={"bytes_per_second": 2**33}
        )
        downloads.move(connection, [started], run_id="r")
    with ledger.read() as connection:
        totals = download_totals(connection)
        assert (totals.states["completed"], totals.states["downloading"]) == (1, 1)
        assert (totals.bytes, totals.bytes_per_second) == (3_000_000_000, 2**33)
        (day,) = download_days(connection, 1)
        assert day.states == {"completed": 1, "downloading": 1}
        assert upload_totals(connection).bytes_per_second == 5
        assert [each.states for each in upload_days(connection, 7)] == [{"uploading": 1}]


def test_the_board_has_what_moves_and_events_have_their_transfers(ledger: Ledger) -> None:
    download_id = add(ledger, "a")
    board = TransferBoard(seconds=0)
    with ledger.write() as connection:
        row = downloads.get(connection, download_id)
        started = downloads.Move(row, DownloadState.DOWNLOADING)
        downloads.move(connection, [started], run_id="r")
    with ledger.read() as connection:
        progress = board.read_due(connection, last_event_id(connection))
        assert progress is not None
        assert board.update(progress)
        assert not board.update(progress)
        assert {message.kind for message in board.since(0)} == {"download", "statistics"}
        assert board.since(board.version) == []
        events = read_events(connection, entity="relay_download")
        messages = transfers_of(connection, events)
        assert len(messages) == 2
        assert {message.kind for message in messages.values()} == {"download"}


def test_what_is_due_starts_a_run_and_what_is_put_off_does_not(ledger: Ledger) -> None:
    download_id = add(ledger, "a")
    with ledger.write() as connection:
        work = find_due(connection)
        assert work is not None
        assert work.count == 1
        downloads.pause(connection, download_id)
        row = downloads.get(connection, download_id)
        assert downloads.heard(connection, row)
        assert find_due(connection) is None


def test_a_record_is_deleted_only_at_rest(ledger: Ledger) -> None:
    download_id = add(ledger, "a")

    def delete() -> None:
        with ledger.write() as connection:
            delete_download(
                connection, download_id, with_file=True, owns_aria2=True, detail={"by": "me"}
            )

    with pytest.raises(RecordInUseError):
        delete()
    complete(ledger, download_id)
    upload_id = upload(ledger, download_id, UploadState.UPLOADING, remote_path="x")
    with pytest.raises(RecordInUseError):
        delete()
    with ledger.write() as connection:
        uploads.cancel_upload(connection, upload_id)
    with pytest.raises(RecordInUseError, match="still to be removed"):
        delete()
    with ledger.write() as connection:
        uploads.part_removed(connection, upload_id)
    delete()
    with pytest.raises(UnknownSubjectError):
        delete()


def test_a_failed_record_is_deleted_though_its_target_lets_nothing_be_removed(
    ledger: Ledger,
) -> None:
    download_id = add(ledger, "a")
    complete(ledger, download_id)
    upload_id = upload(ledger, download_id, UploadState.UPLOADING, remote_path="x")
    with ledger.write() as connection:
        row = uploads.get_upload(connection, upload_id)
        reason = Reason(ReasonCode.WRONG_SECRET, "The password is wrong.")
        uploads.fail(connection, row, reason, run_id=None)
        assert uploads.get_upload(connection, upload_id).command == "cancel"
        delete_download(
            connection, download_id, with_file=True, owns_aria2=True, detail={"by": "me"}
        )


@pytest.mark.parametrize(
    ("state", "is_deleted"),
    [
        (UploadState.PENDING, False),
        (UploadState.FAILED, False),
        (UploadState.CANCELLED, False),
        (UploadState.COMPLETED, True),
    ],
)
def test_a_record_that_keeps_the_local_file_is_not_deleted(
    ledger: Ledger, state: UploadState, is_deleted: bool
) -> None:
    download_id = add(ledger, "a")
    complete(ledger, download_id)
    values = {
        UploadState.FAILED: {"failure_code": "network"},
        UploadState.COMPLETED: {"verified_by": "size", "completed_at": utc_now()},
    }.get(state, {})
    upload_id = upload(ledger, download_id, state, **values)
    if is_deleted:
        with ledger.write() as connection:
            delete_upload(connection, upload_id, detail={})
    else:
        with pytest.raises(RecordInUseError), ledger.write() as connection:
            delete_upload(connection, upload_id, detail={})
