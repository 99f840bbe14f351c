"""Accounts, works and files in the ledger, on both kinds of database."""

import pytest
from sqlalchemy.exc import DBAPIError

from sync_assets.ledger import Ledger
from sync_assets.ledger.lifecycle import IllegalTransitionError
from sync_assets.pixiv.accounts import read_account, record_full_pass, record_listing
from sync_assets.pixiv.files import Checked, enter_files, read_files
from sync_assets.pixiv.models import FileKind, FileState, WorkState
from sync_assets.pixiv.works import (
    complete,
    create_works,
    due_works,
    fail_attempt,
    last_unannounced,
    mark_announced,
    read_works,
    set_aside,
    want,
)

ROW = {
    "account": "main",
    "work_id": 12_345_678_901,
    "state": WorkState.WANTED,
    "type": "illust",
    "page_count": 1,
    "version": "",
    "details": {"title": "作品"},
    "frames": None,
}


def checked(state: FileState, **fields) -> Checked:
    return Checked(1, 0, "20240501120000", FileKind.PAGE, state, "11/1_p0.png", **fields)


def test_a_file_that_was_rejected_can_be_verified_later(ledger: Ledger) -> None:
    with ledger.write() as connection:
        bad = checked(FileState.REJECTED, failure_reason="torn")
        assert enter_files(connection, "main", [bad], run_id="1") == 0
        good = checked(FileState.VERIFIED, size_bytes=5_000_000_000, sha256="ab")
        assert enter_files(connection, "main", [good], run_id="2") == 1
        assert enter_files(connection, "main", [good], run_id="3") == 0
        (stored,) = read_files(connection, "main", states={FileState.VERIFIED})
    assert (stored.size_bytes, stored.failure_reason) == (5_000_000_000, None)
    assert stored.kind is FileKind.PAGE


def test_a_work_goes_its_legal_ways_only(ledger: Ledger) -> None:
    with ledger.write() as connection:
        create_works(connection, [ROW, ROW], run_id=None)
        (work,) = due_works(connection, "main").values()
        for _ in range(2):
            (work,) = read_works(connection, "main").values()
            fail_attempt(connection, work, "404", maximum_attempts=2, run_id=None)
        (work,) = read_works(connection, "main").values()
        assert (work.state, work.attempts) == (WorkState.FAILED, 2)
        want(connection, work, run_id=None, reason="a full pass")
        (work,) = due_works(connection, "main").values()
        assert work.attempts == 0
        complete(connection, [(work, "20240501120000")], run_id=None)
        assert last_unannounced(connection, "main") is not None
        mark_announced(connection, [work])
        assert last_unannounced(connection, "main") is None
        (work,) = read_works(connection, "main").values()
        with pytest.raises(IllegalTransitionError):
            set_aside(connection, work, WorkState.UNAVAILABLE, run_id=None, reason="dead")
    with pytest.raises(DBAPIError), ledger.write() as connection:
        connection.exec_driver_sql("UPDATE pixiv_works SET state = 'unavailable'")


def test_another_user_begins_anew(ledger: Ledger) -> None:
    with ledger.write() as connection:
        record_listing(connection, "main", 7, is_full=True, run_id=None)
        record_full_pass(connection, "main", run_id=None)
        assert read_account(connection, "main", 7).full_pass_completed_at is not None
        assert read_account(connection, "main", 8).full_listing_at is None
        record_listing(connection, "main", 8, is_full=False, run_id=None)
        state = read_account(connection, "main", 8)
    assert (state.full_listing_at, state.full_pass_completed_at) == (None, None)
    assert state.listed_at is not None
