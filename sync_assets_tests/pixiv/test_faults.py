"""What Pixiv, its hosts, the disk and the process do wrong, with the real gallery-dl.

Each case ends with a clear state: what could not be asked changes nothing, what is bad is thrown
away and had again, and the other works go on.
"""

import errno
import json
import os
import shutil
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from sync_assets.errors import SyncError
from sync_assets.ledger.types import utc_now
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.accounts import AccountState, is_paused, record_refusal
from sync_assets.pixiv.archive import entries
from sync_assets.pixiv.bookmarks import ASSET, CONFIRMED_AFTER, write_bookmarks
from sync_assets.pixiv.events import listed_works
from sync_assets.pixiv.gallery_dl import new_run_directory
from sync_assets.pixiv.models import Visibility, WorkState
from sync_assets.pixiv.outcome import OutcomeKind, PixivUnavailableError
from sync_assets_tests.pixiv.rounds import Rounds, in_background
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works
from sync_assets_tests.upstreams.pixiv.faults import HTML, RATE_LIMIT_BODY
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN

LIST = "bookmarks/illust"


def originals(pixiv: PixivStandIn) -> list[bytes]:
    return sorted(
        content
        for work in pixiv.works()
        for url, content in work.files().items()
        if "img-original" in url
    )


def pictures(rounds: Rounds) -> list[bytes]:
    return sorted(rounds.on_disk().values())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 429}, OutcomeKind.RATE_LIMITED),
        ({"status": 403, "body": RATE_LIMIT_BODY}, OutcomeKind.RATE_LIMITED),
        ({"status": 500}, OutcomeKind.TRANSIENT),
        ({"status": 400, "body": b'{"error": {"message": "no"}}'}, OutcomeKind.PARTIAL),
        ({"reset": True}, OutcomeKind.TRANSIENT),
        ({"status": 200, "body": b"{}"}, OutcomeKind.TRANSIENT),
    ],
    ids=["429", "403 rate limit", "500", "400", "reset", "empty object"],
)
def test_a_list_that_fails_in_the_middle_changes_nothing(
    rounds: Rounds, pixiv: PixivStandIn, fault: dict, kind: OutcomeKind
) -> None:
    # gallery-dl waits out the 403 for ever, and on a busy machine begins after some seconds.
    rounds.configure(
        timeout_seconds=10 if fault.get("status") == 403 else 30,
        retries=int(fault.get("status") == 429),
    )
    pixiv.public = make_works(3)
    rounds.bookmarks()
    before = rounds.rows()
    pixiv.public = make_works(50, first_id=5_000)
    pixiv.fail(f"{LIST}.*max_bookmark_id", times=-1, **fault)
    with pytest.raises(PixivUnavailableError) as raised:
        rounds.bookmarks()
    assert raised.value.kind is kind
    assert raised.value.remedy
    assert rounds.rows() == before
    assert rounds.state().refusals == (kind is OutcomeKind.RATE_LIMITED)


def test_after_a_failure_the_next_list_pass_catches_up(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = make_works(3)
    rounds.run()
    pixiv.public = make_works(50, first_id=5_000)
    pixiv.fail(f"{LIST}.*max_bookmark_id", times=1, status=500)
    with pytest.raises(PixivUnavailableError):
        rounds.bookmarks()
    bookmarks, files, _ = rounds.run()
    assert bookmarks.numbers["added"] == 50
    assert bookmarks.numbers["removed"] == 3
    assert files.numbers["added"] == 50


def test_a_network_that_is_down_is_not_an_empty_list(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = make_works(3)
    rounds.run()
    pixiv.go_offline()
    with pytest.raises(PixivUnavailableError) as raised:
        rounds.bookmarks()
    assert raised.value.kind is OutcomeKind.TRANSIENT
    assert all(row["removed_at"] is None for row in rounds.rows().values())


def test_an_empty_list_is_a_list(rounds: Rounds, pixiv: PixivStandIn) -> None:
    assert rounds.bookmarks().numbers["bookmarks"] == 0
    rounds.files()
    assert rounds.state().full_pass_completed_at is not None
    pixiv.public = make_works(2)
    assert rounds.bookmarks().numbers["added"] == 2


@pytest.mark.parametrize("left", [0, 10], ids=["empty", "cut short"])
def test_a_list_that_suddenly_lacks_much_removes_nothing_until_that_is_confirmed(
    rounds: Rounds, pixiv: PixivStandIn, left: int
) -> None:
    works = make_works(50)
    pixiv.public = works
    rounds.run()
    pixiv.public = works[:left]
    rounds.configure(full_pass_hours=1e-9)
    for _ in range(2):
        bookmarks = rounds.bookmarks()
        assert (bookmarks.numbers["removed"], bookmarks.numbers["bookmarks"]) == (0, 50)
        assert "suddenly" in bookmarks.warnings[0]
    rows = list(rounds.rows().values())
    for row in rows:
        if row["missing_since"] is not None:
            row["missing_since"] -= CONFIRMED_AFTER
    write_bookmarks(rounds.lake, rounds.account.name, rows)
    assert rounds.bookmarks().numbers["removed"] == 50 - left
    pixiv.public = works
    bookmarks = rounds.bookmarks()
    assert (bookmarks.numbers["added"], bookmarks.numbers["bookmarks"]) == (50 - left, 50)


def test_a_list_that_is_whole_again_forgets_what_it_seemed_to_lack(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(40)
    rounds.run()
    works, pixiv.public = pixiv.public, []
    assert rounds.bookmarks().warnings
    pixiv.public = works
    assert not rounds.bookmarks().warnings
    assert [row["missing_since"] for row in rounds.rows().values()] == [None] * 40


def test_a_table_of_an_earlier_version_is_understood(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = make_works(2)
    rounds.run()
    table = rounds.lake.table(ASSET, partition=rounds.account.name)
    rounds.lake.write(
        ASSET, table.drop_columns(["missing_since", "series_id"]), partition=rounds.account.name
    )
    pixiv.public = make_works(3)
    bookmarks = rounds.bookmarks()
    assert (bookmarks.numbers["added"], bookmarks.numbers["bookmarks"]) == (1, 3)


def test_a_wrong_user_id_says_so(rounds: Rounds, pixiv: PixivStandIn) -> None:
    rounds.configure_account(user_id=999)
    with pytest.raises(PixivUnavailableError, match="no such user") as raised:
        rounds.bookmarks()
    assert "user_id" in raised.value.remedy


def test_a_refresh_token_that_is_refused_says_so_and_is_not_shown(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.refresh_tokens.clear()
    with pytest.raises(PixivUnavailableError) as raised:
        rounds.bookmarks()
    assert raised.value.kind is OutcomeKind.REFUSED_TOKEN
    assert "docs/pixiv.md" in raised.value.remedy
    assert REFRESH_TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, OutcomeKind.TRANSIENT),
        ({"reset": True}, OutcomeKind.TRANSIENT),
        ({"status": 429}, OutcomeKind.RATE_LIMITED),
        ({"status": 403, "body": RATE_LIMIT_BODY}, OutcomeKind.REFUSED_TOKEN),
    ],
    ids=["500", "reset", "429", "403"],
)
def test_a_login_that_cannot_be_asked_is_no_refused_token(
    rounds: Rounds, pixiv: PixivStandIn, fault: dict, kind: OutcomeKind
) -> None:
    pixiv.fail("auth/token", times=-1, **fault)
    with pytest.raises(PixivUnavailableError) as raised:
        rounds.bookmarks()
    assert raised.value.kind is kind, raised.value


def test_an_access_token_revoked_within_its_hour_is_dropped_once(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(2)
    rounds.run()
    pixiv.revoke_access_tokens()
    assert rounds.bookmarks().numbers["bookmarks"] == 2
    pixiv.revoke_access_tokens()
    pixiv.refresh_tokens.clear()
    with pytest.raises(PixivUnavailableError) as raised:
        rounds.bookmarks()
    assert raised.value.kind is OutcomeKind.REFUSED_TOKEN


def test_a_token_revoked_between_the_list_and_the_files_is_dropped_too(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(2)
    rounds.bookmarks()
    pixiv.revoke_access_tokens()
    assert rounds.files().numbers["added"] == 2


def test_a_run_that_fails_in_passing_is_repeated(rounds: Rounds, pixiv: PixivStandIn) -> None:
    rounds.configure(retries=1)
    pixiv.public = make_works(2)
    pixiv.fail(LIST, times=1, status=200)
    assert rounds.bookmarks().numbers["retries"] == 1
    assert len(rounds.rows()) == 2


def test_a_429_for_an_image_is_retried_and_never_becomes_the_small_image(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    rounds.configure(retries=2)
    pixiv.public = make_works(2)
    pixiv.fail("img-original", times=2, status=429)
    _, files, _ = rounds.run()
    assert files.numbers["added"] == 2
    assert pixiv.count("master1200") == 0
    assert pictures(rounds) == originals(pixiv)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404, "content_type": "text/html"},
        {"status": 429},
        {"status": 500},
        {"status": 200, "body": HTML, "content_type": "text/html"},
        {"status": 200, "body": HTML, "content_type": "image/png"},
        {"status": 200, "body": b"", "content_type": "image/png"},
        {"status": 200, "body": b"\x89PNG\r\n\x1a\n" + b"x" * 99, "content_type": "image/png"},
        {"cut_after": 30},
        {"reset": True},
    ],
    ids=["404", "429", "500", "html", "html as png", "empty", "broken", "cut", "reset"],
)
def test_one_image_that_fails_is_retried_later_and_the_others_go_on(
    rounds: Rounds, pixiv: PixivStandIn, fault: dict
) -> None:
    pixiv.public = [Work(2), Work(1, pages=3), *make_works(40)]
    pixiv.fail("/1_p1", times=-1, **fault)
    _, files, _ = rounds.run()
    assert files.numbers["added"] == 43
    assert [each.item.partition(",")[0] for each in files.failures][:1] == ["work 1"]
    assert rounds.works()[1].state is WorkState.WANTED
    assert (1, 0) not in {key[:2] for key in rounds.outbox.posts}
    assert rounds.state().full_pass_completed_at is not None
    pixiv.faults.clear()
    _, files, _ = rounds.run()
    assert files.numbers["added"] == 1
    assert pictures(rounds) == originals(pixiv)
    assert sorted(rounds.outbox.posts.values()) == [1] * 44


def test_a_work_that_is_404_uses_up_its_attempts_and_waits_for_a_full_pass(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    rounds.configure(maximum_attempts=2)
    pixiv.public = [Work(1), Work(2)]
    pixiv.fail("/1_p0", times=-1, status=404, content_type="text/html")
    rounds.run()
    rounds.run()
    assert rounds.works()[1].state is WorkState.FAILED
    before = pixiv.count("/1_p0")
    rounds.run()
    assert pixiv.count("/1_p0") == before
    pixiv.faults.clear()
    rounds.configure(full_pass_hours=1e-9)
    rounds.run()
    assert rounds.works()[1].state is WorkState.COMPLETE


def test_a_part_that_is_damaged_or_too_long_does_not_become_a_file(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = [Work(1, size=(300, 300)), Work(2), Work(3)]
    account.parts_directory.mkdir(parents=True)
    sizes = {number: len(pixiv.public[number - 1].files().popitem()[1]) for number in (1, 2)}
    damaged = account.parts_directory / "1_p0_20240501120000.png.part"
    too_long = account.parts_directory / "2_p0_20240501120000.png.part"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + b"z" * 500)
    too_long.write_bytes(b"\x89PNG\r\n\x1a\n" + b"z" * (sizes[2] + 1_000))
    _, files, _ = rounds.run()
    assert {each[1] for each in pixiv.image_requests if each[1]} == {
        "bytes=508-",
        f"bytes={sizes[2] + 1_008}-",
    }
    assert files.numbers["rejected"] == 2
    assert len(entries(account.archive_path)) == 1
    assert [name.partition("_")[0] for name in map(os.path.basename, rounds.on_disk())] == ["3"]
    rounds.run()
    assert pictures(rounds) == originals(pixiv)


def test_a_download_that_is_killed_goes_on_where_it_was(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = [Work(1, size=(900, 900)), *make_works(3)]
    rounds.bookmarks()
    pixiv.fail("/1_p0", times=1, cut_after=400_000)
    pixiv.fail("/1_p0", times=-1, status=503)
    rounds.files()
    assert any(path.stat().st_size for path in account.parts_directory.iterdir())
    pixiv.faults.clear()
    rounds.files()
    assert any(each and each.startswith("bytes=") for _, each in pixiv.image_requests)
    assert pictures(rounds) == originals(pixiv)


def test_a_rate_limit_that_lasts_is_ended_with_its_whole_process_group(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    rounds.configure(timeout_seconds=1.5)
    pixiv.public = make_works(2)
    pixiv.fail(LIST, times=-1, status=403, body=RATE_LIMIT_BODY)
    with pytest.raises(PixivUnavailableError, match="limits this account's requests"):
        rounds.bookmarks()
    assert rounds.state().not_before is not None
    assert running_gallery_dl(account) == []


def test_a_download_that_takes_too_long_is_ended_and_goes_on_in_the_next_round(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = make_works(60)
    rounds.bookmarks()
    rounds.configure(timeout_seconds=2.5)
    pixiv.fail("img-original", after=20, times=-1, delay_seconds=60)
    files = rounds.files()
    assert files.numbers["added"] == 20
    assert files.numbers["full_pass_open"] == 1
    assert "took too long" in files.warnings[0]
    assert rounds.state().full_pass_completed_at is None
    assert running_gallery_dl(account) == []
    pixiv.faults.clear()
    rounds.configure(timeout_seconds=30)
    rounds.run()
    assert rounds.state().full_pass_completed_at is not None
    assert pictures(rounds) == originals(pixiv)


def test_a_round_without_time_left_says_so(rounds: Rounds, pixiv: PixivStandIn) -> None:
    rounds.account = replace(rounds.account, deadline=time.monotonic() - 1)
    with pytest.raises(SyncError, match="max_run_seconds"):
        rounds.bookmarks()


def test_too_little_space_downloads_nothing_and_warns(rounds: Rounds, pixiv: PixivStandIn) -> None:
    rounds.configure(disk_free_threshold_bytes=1 << 60)
    pixiv.public = make_works(2)
    bookmarks, files, _ = rounds.run()
    assert bookmarks.numbers["added"] == 2
    assert "disk_free_threshold_bytes" in files.warnings[0]
    assert pixiv.image_requests == []
    assert rounds.state().full_pass_completed_at is None


def test_space_that_runs_out_ends_the_download_and_keeps_what_came(
    rounds: Rounds, pixiv: PixivStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixiv.public = make_works(5)
    rounds.bookmarks()
    gate = pixiv.fail("img-original", after=3, delay_seconds=30)
    usage = shutil.disk_usage(rounds.account.pixiv.download_directory.parent)

    def disk_usage(path: Path) -> object:
        is_full = gate.times == 0
        return usage._replace(free=0 if is_full else 10)

    monkeypatch.setattr("sync_assets.pixiv.downloading.shutil.disk_usage", disk_usage)
    rounds.configure(disk_free_threshold_bytes=10)
    files = rounds.files()
    assert "disk_free_threshold_bytes" in files.warnings[0]
    assert files.numbers["added"] == 3
    monkeypatch.undo()
    rounds.files()
    assert len(rounds.on_disk()) == 5


@pytest.mark.parametrize("archive_is_lost", [False, True])
def test_a_library_that_is_not_mounted_is_not_filled_anew(
    rounds: Rounds, pixiv: PixivStandIn, *, archive_is_lost: bool
) -> None:
    pixiv.public = make_works(2)
    rounds.run()
    directory = rounds.account.download_directory
    elsewhere = directory.rename(directory.with_name("unmounted"))
    pixiv.public = make_works(3)
    if archive_is_lost:
        rounds.account.archive_path.unlink()
    with pytest.raises(SyncError, match="is empty") as raised:
        rounds.run()
    assert "Mount" in (raised.value.remedy or "")
    assert not directory.exists()
    elsewhere.rename(directory)
    rounds.run()
    assert len(rounds.on_disk()) == 3
    assert all(work.state is WorkState.COMPLETE for work in rounds.works().values())


def test_a_download_directory_that_is_no_directory_is_named(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = make_works(2)
    rounds.bookmarks()
    account.download_directory.parent.mkdir(parents=True)
    account.download_directory.write_text("in the way")
    with pytest.raises(SyncError, match=str(account.download_directory)):
        rounds.files()
    account.download_directory.unlink()
    assert rounds.files().numbers["added"] == 2


def test_arguments_that_gallery_dl_does_not_know_are_said(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    rounds.configure(extra_gallery_args=("--no-such-option",))
    with pytest.raises(PixivUnavailableError, match="does not understand"):
        rounds.bookmarks()


def test_a_program_that_is_missing_is_named(rounds: Rounds, tmp_path: Path) -> None:
    rounds.account = replace(rounds.account, gallery_dl=tmp_path / "nowhere")
    with pytest.raises(SyncError, match="nowhere"):
        rounds.bookmarks()


def test_a_gallery_dl_that_is_killed_loses_nothing(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = make_works(10)
    rounds.bookmarks()
    pixiv.fail("img-original", after=3, times=-1, delay_seconds=60)
    failures = []

    def download() -> None:
        try:
            rounds.files()
        except PixivUnavailableError as error:
            failures.append(error.kind)

    round_ = in_background(download)
    while not (running := running_gallery_dl(account)) or len(pixiv.image_requests) < 3:
        time.sleep(0.05)
    running[0].kill()
    round_.join()
    assert failures == [OutcomeKind.TRANSIENT]
    pixiv.faults.clear()
    rounds.run()
    assert pictures(rounds) == originals(pixiv)


def running_gallery_dl(account: Account) -> list[psutil.Process]:
    mark = str(account.runs_directory)
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if any(mark in argument for argument in process.info["cmdline"] or ())
    ]


@pytest.mark.parametrize(
    "overrides",
    [
        {"title": "half a pair \ud83d"},
        {"caption": "nul \0 and \ud800", "tags": [{"name": "\udc00", "translated_name": None}]},
        {"create_date": "no date"},
        {"title": None, "caption": None},
        {"title": "line\u2028separator\nnew | <b> _"},
    ],
    ids=["surrogate", "nul", "date", "none", "lines"],
)
def test_what_a_work_says_of_itself_stops_nothing(
    rounds: Rounds, pixiv: PixivStandIn, overrides: dict
) -> None:
    pixiv.public = [*make_works(2), Work(1, overrides=overrides)]
    rounds.run()
    assert set(rounds.rows()) == {1, 1_000, 1_001}
    assert {1_000, 1_001} <= {each.work_id for each in rounds.verified()}


def test_a_killed_round_is_settled_although_its_events_are_damaged_and_the_folder_is_another(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(2)
    rounds.run()
    killed = new_run_directory(rounds.account)
    line = {"id": 1_000, "num": 0, "date_url": "2024", "_path": "/another/folder/1000_p0.png"}
    (killed / "after.jsonl").write_text(f'{{"id": 10{json.dumps(line)}\n{json.dumps(line)}\n')
    bookmarks, files, _ = rounds.run()
    assert not killed.exists()
    assert (bookmarks.failures, files.failures) == ([], [])
    assert len(rounds.on_disk()) == 2


def test_a_list_that_could_not_be_written_down_whole_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "post.jsonl").write_text('{"id": 1}\n{"id": 2, "ti\n')
    with pytest.raises(SyncError, match="cut off"):
        listed_works(tmp_path, "", Visibility.PUBLIC)


def test_bookmark_tags_that_cannot_be_read_do_not_cost_the_list(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(2)
    rounds.configure(bookmark_tags=True)
    fault = pixiv.fail("illust/detail|bookmark/detail", times=-1, status=429)
    with pytest.raises(PixivUnavailableError):
        rounds.bookmarks()
    assert len(rounds.rows()) == 2
    assert rounds.state().refusals == 1
    fault.times = 0
    assert rounds.bookmarks().numbers["bookmark_tags_read"] == 2


def test_only_a_whole_round_ends_the_pauses_after_a_limit(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = make_works(2)
    with rounds.ledger.write() as connection:
        record_refusal(connection, "main", rounds.account.settings.user_id)
    rounds.bookmarks()
    assert rounds.state().refusals == 1
    rounds.files()
    assert (rounds.state().refusals, rounds.state().not_before) == (0, None)


def test_a_pause_of_a_clock_that_was_wrong_is_none(rounds: Rounds) -> None:
    state = AccountState("main", 7, not_before=utc_now() + timedelta(hours=1))
    assert is_paused(state)
    assert not is_paused(replace(state, not_before=utc_now() + timedelta(days=400)))
    assert not is_paused(replace(state, not_before=utc_now() - timedelta(hours=1)))


def test_a_file_that_cannot_be_read_at_the_moment_is_left_alone(
    rounds: Rounds, pixiv: PixivStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    pixiv.public = make_works(2)
    rounds.bookmarks()
    with monkeypatch.context() as patched:
        patched.setattr("sync_assets.pixiv.settling.verify", verify)
        files = rounds.files()
    assert len(rounds.on_disk()) == 2
    assert "Input/output error" in files.failures[0].error
    rounds.files()
    assert all(work.state is WorkState.COMPLETE for work in rounds.works().values())
    assert len(pixiv.image_requests) == 2


@pytest.mark.parametrize("ending", [b"of another program", None], ids=["longer", "cut off"])
def test_a_picture_that_pixiv_itself_has_damaged_is_kept_when_it_comes_again(
    rounds: Rounds, pixiv: PixivStandIn, monkeypatch: pytest.MonkeyPatch, ending: bytes | None
) -> None:
    work = Work(1)
    url = work.page_url(0)
    whole = work.files()[url]
    content = whole[:-20] if ending is None else whole + ending
    monkeypatch.setattr(Work, "files", lambda _: {url: content})
    pixiv.public = [work]
    _, files, _ = rounds.run()
    assert (files.numbers["rejected"], rounds.on_disk()) == (1, {})
    rounds.run()
    assert list(rounds.on_disk().values()) == [content]
    assert rounds.works()[1].state is WorkState.COMPLETE
