"""Uploads in the ledger: what users want of them, and how they follow their downloads."""

from datetime import timedelta
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.relay import downloads, media, uploads
from sync_assets.relay.models import Reason, ReasonCode, VerifiedBy
from sync_assets.relay.uploads import UploadNotPossibleError
from sync_assets.settings.relay import RelaySettings
from sync_assets_tests.relay.media import link_medium

QUOTA = Reason(ReasonCode.QUOTA_FULL, "It is full. Free space.")
TARGETS = RelaySettings.model_validate(
    {
        "targets": {
            "first": {"kind": "rclone", "remote": "first:"},
            "second": {"kind": "rclone", "remote": "second:", "required": False},
        }
    }
).targets


def want(ledger: Ledger, **values: Any) -> int:
    with ledger.write() as connection:
        link = f"http://host/{values.get('name', 'a')}"
        download_id = downloads.create(
            connection, media.add_medium(connection, link_medium(link, **values))
        )
        uploads.plan(
            connection, uploads.unplanned(connection, TARGETS, most=9), TARGETS, run_id=None
        )
    return download_id


def finish(ledger: Ledger, download_id: int) -> None:
    with ledger.write() as connection:
        row = downloads.get(connection, download_id)
        downloads.complete(connection, [downloads.Finished(row, "/f", 3, None)], run_id=None)


def look(ledger: Ledger, download_id: int) -> dict[str, Any]:
    with ledger.read() as connection:
        return {row.target: row for row in uploads.uploads_of(connection, [download_id])}


def publish(ledger: Ledger, row: Any) -> None:
    with ledger.write() as connection:
        uploads.start(connection, {row.id: "p/f"}, run_id=None)
        completion = uploads.Completion(row, 3, VerifiedBy.SIZE, "size=3", "p/f")
        uploads.complete(connection, [completion], run_id=None)


def test_every_target_has_its_upload_as_soon_as_a_download_is_wanted(ledger: Ledger) -> None:
    download_id = want(ledger)
    want(ledger)
    found = look(ledger, download_id)
    assert {name: (row.state, row.is_required) for name, row in found.items()} == {
        "first": ("waiting_download", True),
        "second": ("waiting_download", False),
    }
    finish(ledger, download_id)
    rows = look(ledger, download_id).values()
    assert {(row.state, row.total_bytes) for row in rows} == {("pending", 3)}
    with ledger.read() as connection:
        assert uploads.due_upload_count(connection) == 2
        assert [row.target for row in uploads.pending_uploads(connection)] == ["first", "second"]


def test_a_medium_may_name_its_targets(ledger: Ledger) -> None:
    assert set(look(ledger, want(ledger, targets=("second", "other")))) == {"second", "other"}
    assert look(ledger, want(ledger, name="b", targets=())) == {}


def test_a_download_gets_one_more_target(ledger: Ledger) -> None:
    download_id = want(ledger, targets=("second",))
    with ledger.write() as connection:
        first = uploads.add_upload(connection, download_id, "first", TARGETS)
        assert uploads.add_upload(connection, download_id, "first", TARGETS) == first
        for wrong in ((download_id, "other"), (99, "first")):
            with pytest.raises(UploadNotPossibleError):
                uploads.add_upload(connection, *wrong, TARGETS)
    assert look(ledger, download_id)["first"].state == "waiting_download"


def test_what_a_user_wants_is_written_without_any_worker(ledger: Ledger) -> None:
    download_id = want(ledger)
    upload_id = look(ledger, download_id)["first"].id
    states = []
    wishes = (uploads.pause_upload, uploads.resume_upload, uploads.cancel_upload)
    for wish in (*wishes, uploads.retry_upload):
        for _ in range(2 if wish is not uploads.retry_upload else 1):
            with ledger.write() as connection:
                wish(connection, upload_id)
        states.append(look(ledger, download_id)["first"].state)
    assert states == ["paused", "waiting_download", "cancelled", "waiting_download"]
    assert look(ledger, download_id)["first"].retries == 1


def test_a_paused_upload_waits_for_its_user_when_its_download_is_there(ledger: Ledger) -> None:
    download_id = want(ledger)
    upload_id = look(ledger, download_id)["first"].id
    with ledger.write() as connection:
        uploads.pause_upload(connection, upload_id)
    finish(ledger, download_id)
    assert look(ledger, download_id)["first"].state == "paused"
    with ledger.write() as connection:
        uploads.resume_upload(connection, upload_id)
    assert look(ledger, download_id)["first"].state == "pending"


def test_a_completed_upload_is_not_paused_resumed_retried_or_cancelled(ledger: Ledger) -> None:
    download_id = want(ledger)
    finish(ledger, download_id)
    row = look(ledger, download_id)["first"]
    publish(ledger, row)
    for wish in (
        uploads.pause_upload,
        uploads.resume_upload,
        uploads.retry_upload,
        uploads.cancel_upload,
    ):
        with pytest.raises(UploadNotPossibleError), ledger.write() as connection:
            wish(connection, row.id)


def test_what_was_published_is_completed_although_it_was_cancelled_meanwhile(
    ledger: Ledger,
) -> None:
    download_id = want(ledger)
    finish(ledger, download_id)
    row = look(ledger, download_id)["first"]
    with ledger.write() as connection:
        uploads.start(connection, {row.id: "p/f"}, run_id=None)
        uploads.cancel_upload(connection, row.id)
        assert uploads.get_upload(connection, row.id).command == "cancel"
        completion = uploads.Completion(row, 3, VerifiedBy.SIZE, "size=3", "p/f")
        uploads.complete(connection, [completion], run_id=None)
    row = look(ledger, download_id)["first"]
    assert (row.state, row.command, row.media_state) == ("completed", None, "relayed")


def test_a_file_is_cleaned_when_all_have_it_and_none_is_under_way(ledger: Ledger) -> None:
    download_id = want(ledger)
    finish(ledger, download_id)
    found = look(ledger, download_id)
    publish(ledger, found["first"])
    with ledger.write() as connection:
        assert uploads.cleanable(connection, most=9) == []
        uploads.cancel_upload(connection, found["second"].id)
        assert [row.id for row in uploads.cleanable(connection, most=9)] == [download_id]
        later = utc_now() + timedelta(hours=1)
        uploads.postpone_cleaning(connection, download_id, not_before=later)
        assert uploads.cleanable(connection, most=9) == []
        uploads.mark_cleaned(connection, [download_id], run_id=None)
        assert uploads.cleaned_early(connection) == []
    found = look(ledger, download_id)
    assert (found["first"].state, found["second"].state) == ("cleaned", "cancelled")
    assert found["first"].cleaned_at == found["first"].download_cleaned_at
    with pytest.raises(UploadNotPossibleError), ledger.write() as connection:
        uploads.retry_upload(connection, found["second"].id)


def test_a_retry_ends_the_pause_of_all_that_wait_for_the_same(ledger: Ledger) -> None:
    ids = [want(ledger, name=name) for name in ("a", "b")]
    for each in ids:
        finish(ledger, each)
    failed, waiting = (look(ledger, each)["first"] for each in ids)
    with ledger.write() as connection:
        later = utc_now() + timedelta(hours=1)
        uploads.start(connection, {failed.id: "p/f"}, run_id=None)
        started = uploads.get_upload(connection, failed.id)
        uploads.fail(connection, started, QUOTA, run_id=None)
        uploads.part_removed(connection, failed.id)
        uploads.hold_target(connection, "first", QUOTA, not_before=later)
        assert uploads.due_upload_count(connection) == 2
        assert uploads.next_upload_due(connection) == later
        uploads.retry_upload(connection, failed.id)
        assert uploads.due_upload_count(connection) == 4
    assert look(ledger, ids[1])["first"].id == waiting.id


def test_what_becomes_due_while_a_worker_looks_is_not_forgotten(ledger: Ledger) -> None:
    download_id = want(ledger)
    finish(ledger, download_id)
    past = utc_now() - timedelta(seconds=1)
    with ledger.write() as connection:
        uploads.hold_target(connection, "first", QUOTA, not_before=past)
    with ledger.read() as connection:
        assert uploads.next_upload_due(connection) == past


def test_only_a_lost_answer_is_confirmed(ledger: Ledger) -> None:
    download_id = want(ledger)
    finish(ledger, download_id)
    row = look(ledger, download_id)["first"]
    with pytest.raises(UploadNotPossibleError), ledger.write() as connection:
        uploads.confirm_upload(connection, row.id)
    with ledger.write() as connection:
        lost = Reason(ReasonCode.ANSWER_LOST, "It is not known. Look.")
        uploads.fail(connection, row, lost, run_id=None)
        uploads.confirm_upload(connection, row.id)
    assert look(ledger, download_id)["first"].verified_by == "user"


def test_what_waits_for_one_target_hides_nothing_of_another(ledger: Ledger) -> None:
    only_first = [want(ledger, name=str(number), targets=("first",)) for number in range(4)]
    for_second = want(ledger, name="x", targets=("second",))
    for_gone = want(ledger, name="y", targets=("gone",))
    for download_id in (*only_first, for_second, for_gone):
        finish(ledger, download_id)
    with ledger.read() as connection:
        rows = uploads.open_uploads(connection, TARGETS, most_due=2)
        all_rows = uploads.open_uploads(connection, (), most_due=9)
    assert [(row.download_id, row.target) for row in rows] == [
        *((download_id, "first") for download_id in only_first[:2]),
        (for_second, "second"),
        (for_gone, "gone"),
    ]
    assert len(all_rows) == 6


def test_progress_is_written_of_what_is_under_way(ledger: Ledger) -> None:
    ids = [want(ledger, name=name, targets=("first",)) for name in ("a", "b")]
    for download_id in ids:
        finish(ledger, download_id)
    going, stopped = (look(ledger, download_id)["first"].id for download_id in ids)
    with ledger.write() as connection:
        uploads.start(connection, {going: "a", stopped: "b"}, run_id=None)
        uploads.pause_upload(connection, stopped)
        progress = uploads.Progress(2, 1_000)
        uploads.set_progress(connection, {going: progress, stopped: progress})
        uploads.set_progress(connection, {})
    rows = [look(ledger, download_id)["first"] for download_id in ids]
    assert [(row.uploaded_bytes, row.bytes_per_second) for row in rows] == [(2, 1_000), (0, 0)]
