"""Quick passes, full passes and what they must not miss, with the real gallery-dl."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from sync_assets.pixiv.account import Account
from sync_assets.pixiv.archive import entries
from sync_assets.pixiv.listing import is_caught_up
from sync_assets.pixiv.models import BookmarkState, FileKind, WorkState
from sync_assets.settings.pixiv import PixivFilterSettings, Rating
from sync_assets_tests.pixiv.rounds import Rounds
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works
from sync_assets_tests.upstreams.pixiv.server import USER_ID


@pytest.mark.parametrize(
    ("listed", "known", "expected"),
    [
        ([1, 2, 3], [1, 2, 3, 4, 5], True),
        ([9, 1, 2], [1, 2, 3, 4, 5], True),
        ([4, 5, 1], [1, 2, 3, 4, 5], True),
        ([4, 5], [1, 2, 3, 4, 5], False),
        ([9, 8], [1, 2, 3, 4, 5], False),
        ([9, 2], [1, 2, 3], False),
        ([], [1, 2, 3], False),
        ([1], [], False),
    ],
    ids=["same", "new", "moved and met", "only moved", "only new", "removed", "empty", "unknown"],
)
def test_where_a_list_meets_the_known_order(
    listed: list[int], known: list[int], expected: bool
) -> None:
    assert is_caught_up(listed, known) is expected


def test_new_works_cost_two_requests_and_their_files(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = make_works(100)
    rounds.run()
    pixiv.public = [*make_works(4, first_id=9_000), *pixiv.public]
    before = pixiv.api_requests
    bookmarks, files, _ = rounds.run()
    assert (bookmarks.numbers["added"], files.numbers["added"]) == (4, 4)
    assert pixiv.api_requests - before == 4
    assert bookmarks.numbers["full"] == 0


def test_old_works_bookmarked_anew_do_not_hide_new_ones_below_them(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    works = make_works(120)
    pixiv.public = works
    rounds.run()
    moved, rest = works[60:110], [*works[:60], *works[110:]]
    big = Work(7_777, pages=60)
    new = make_works(3, first_id=9_000)
    pixiv.public = [*moved, *new, *rest]
    assert rounds.bookmarks().numbers["added"] == 3
    pixiv.public = [*moved, *new, *rest, big]
    rounds.files()
    assert {9_000, 9_001, 9_002} <= {each.work_id for each in rounds.verified()}
    order = sorted(rounds.rows().values(), key=lambda row: row["position"])
    assert [row["work_id"] for row in order] == [work.id for work in [*moved, *new, *rest]]


def test_a_whole_pass_finds_what_was_removed_and_what_died_and_forgets_nothing(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [*make_works(40), Work(1, title="Dawn", caption="words"), Work(2), Work(3)]
    rounds.run()
    pixiv.public = [
        *make_works(40),
        Work(1, limit="unknown", title=" ", tags=(), overrides={"title": "", "caption": ""}),
        Work(3, overrides={"title": "", "tags": []}),
    ]
    rounds.configure(full_pass_hours=1e-9)
    bookmarks = rounds.bookmarks()
    assert (bookmarks.numbers["removed"], bookmarks.numbers["changed_state"]) == (1, 1)
    rows = rounds.rows()
    assert rows[1]["state"] == BookmarkState.DELETED
    assert (rows[1]["title"], rows[1]["caption"]) == ("Dawn", "words")
    assert rows[1]["tags"] == ["風景", "original"]
    assert rows[3]["title"] == "作品 3"
    assert rows[2]["removed_at"] is not None
    assert rounds.works()[1].state is WorkState.COMPLETE
    before = rounds.on_disk()
    rounds.files()
    assert rounds.on_disk() == before
    pixiv.public.append(Work(2))
    assert rounds.bookmarks().numbers["added"] == 1
    assert rounds.rows()[2]["removed_at"] is None
    assert rounds.rows()[2]["first_seen"] == rows[2]["first_seen"]


def test_a_whole_pass_asks_once_per_page_and_ugoira(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [*make_works(88), *(Work(n, kind="ugoira", delays=(40,)) for n in (1, 2))]
    rounds.run()
    rounds.configure(full_pass_hours=1e-9)
    before = pixiv.api_requests
    rounds.run()
    assert pixiv.api_requests - before == 1 + 3 + 2


def test_a_work_that_was_uploaded_again_keeps_its_old_files(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [Work(1, pages=2), *make_works(2)]
    rounds.run()
    before = rounds.on_disk()
    again = Work(1, pages=2, uploaded_at=datetime(2025, 3, 1, tzinfo=UTC))
    pixiv.public = [again, *make_works(2)]
    bookmarks, files, _ = rounds.run()
    assert bookmarks.numbers["updated"] == 1
    assert files.numbers["added"] == 2
    disk = rounds.on_disk()
    assert before.items() < disk.items()
    assert {again.files()[again.page_url(page)] for page in (0, 1)} <= set(disk.values())
    assert len([key for key in rounds.outbox.posts if key[0] == 1]) == 4
    assert rounds.run()[1].numbers["added"] == 0


def test_pages_that_share_digits_are_not_confused(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [Work(1234567, pages=90), Work(12345678, pages=12)]
    assert rounds.run()[1].numbers["added"] == 102
    assert len(rounds.on_disk()) == 102


def test_an_archive_that_is_gone_starts_a_full_pass_and_downloads_only_what_is_gone(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = make_works(5)
    rounds.run()
    disk = rounds.on_disk()
    account.archive_path.unlink()
    lost = next(iter(disk))
    (account.download_directory / lost).unlink()
    before = len(pixiv.image_requests)
    bookmarks, files, _ = rounds.run()
    assert bookmarks.numbers["full"] == 1
    assert files.numbers["added"] == 1
    assert len(pixiv.image_requests) - before == 1
    assert rounds.on_disk() == disk
    assert len(entries(account.archive_path)) == 5
    assert rounds.state().full_pass_completed_at is not None
    assert sorted(rounds.outbox.posts.values()) in ([1] * 5, [1, 1, 1, 1, 2])


def test_files_that_the_archive_knows_and_the_disk_does_not_are_had_again(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    pixiv.public = make_works(3)
    rounds.bookmarks()
    rounds.files()
    with rounds.ledger.write() as connection:
        for table in ("pixiv_files", "pixiv_works", "pixiv_accounts"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    shutil.rmtree(account.download_directory)
    rounds.run()
    rounds.run()
    assert len(rounds.on_disk()) == 3


def test_a_ledger_that_is_gone_adopts_what_is_there(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = make_works(3)
    rounds.run()
    with rounds.ledger.write() as connection:
        for table in ("pixiv_files", "pixiv_works", "pixiv_accounts"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    before = len(pixiv.image_requests)
    rounds.run()
    assert len(rounds.verified()) == 3
    assert len(pixiv.image_requests) == before


def test_filters_decide_about_files_and_may_change(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [
        Work(1, x_restrict=1),
        Work(2, ai_type=2),
        Work(3, tags=("no",)),
        Work(4, user_id=13),
        Work(5),
    ]
    rounds.configure(
        filters=PixivFilterSettings(
            ratings=(Rating.GENERAL,),
            ai=False,
            exclude_tags=frozenset({"no"}),
            exclude_users=frozenset({13}),
        )
    )
    rounds.run()
    assert {each.work_id for each in rounds.verified()} == {5}
    assert len(rounds.rows()) == 5
    assert rounds.works()[1].state is WorkState.UNWANTED
    rounds.configure(filters=PixivFilterSettings())
    rounds.run()
    assert {each.work_id for each in rounds.verified()} == {1, 2, 3, 4, 5}


def test_only_what_is_included_is_downloaded(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [Work(1, tags=("yes",)), Work(2, tags=("yes",), user_id=13), Work(3, user_id=13)]
    rounds.configure(
        filters=PixivFilterSettings(include_tags=frozenset({"yes"}), include_users=frozenset({13}))
    )
    rounds.run()
    assert {each.work_id for each in rounds.verified()} == {2}


def test_private_bookmarks_and_bookmark_tags(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [Work(1, bookmark_tags=("好き",))]
    pixiv.private = [Work(2), *make_works(31)]
    rounds.configure(bookmark_tags=True)
    rounds.configure_account(include_private=True)
    rounds.run()
    rows = rounds.rows()
    assert rows[1]["bookmark_tags"] == ["好き"]
    assert {work_id: row["visibility"] for work_id, row in rows.items()} == {
        1: "public",
        2: "private",
        **{work.id: "private" for work in make_works(31)},
    }
    assert len(rounds.on_disk()) == 33
    before = pixiv.api_requests
    rounds.run()
    assert pixiv.api_requests - before == 4


def test_two_accounts_do_not_share_their_tokens(
    rounds: Rounds, pixiv: PixivStandIn, account: Account
) -> None:
    other = 8
    pixiv.users.add(other)
    pixiv.refresh_tokens["another-token"] = other
    pixiv.private = [Work(5)]
    rounds.configure_account(include_private=True)
    rounds.run()
    second = replace(
        account,
        name="second",
        settings=account.settings.model_copy(
            update={
                "refresh_token": SecretStr("another-token"),
                "include_private": True,
                "include_public": False,
            }
        ),
        state_directory=account.state_directory.with_name("second"),
        archive_path=account.archive_path.parent.with_name("second") / "archive.sqlite3",
        download_directory=account.download_directory.with_name("second"),
    )
    rounds.account = second
    assert rounds.bookmarks().numbers["bookmarks"] == 0
    assert sorted(set(pixiv.access_tokens.values())) == [USER_ID, other]


def test_delays_are_kept_before_a_work_dies(rounds: Rounds, pixiv: PixivStandIn) -> None:
    pixiv.public = [Work(1, kind="ugoira", delays=(30, 50)), Work(2)]
    rounds.bookmarks()
    assert [frame["delay"] for frame in rounds.rows()[1]["frames"]] == [30, 50]
    pixiv.public = [Work(3, kind="ugoira", delays=(20, 90)), *pixiv.public]
    rounds.bookmarks()
    rounds.files()
    assert [frame["delay"] for frame in rounds.works()[3].frames or ()] == [20, 90]
    assert rounds.animations().numbers["added"] == 2
    kinds = [(each.work_id, each.kind) for each in rounds.verified()]
    assert (3, FileKind.ANIMATION) in kinds
    assert (3, FileKind.UGOIRA) in kinds


def test_a_page_that_is_missing_of_a_new_version_is_not_forgotten(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [Work(1, pages=3)]
    rounds.run()
    again = Work(1, pages=3, uploaded_at=datetime(2025, 3, 1, tzinfo=UTC))
    pixiv.public = [again]
    pixiv.fail("2025.*1_p1", status=404, times=1)
    _, files, _ = rounds.run()
    assert files.numbers["completed"] == 0
    rounds.run()
    assert rounds.works()[1].state is WorkState.COMPLETE
    assert {again.files()[again.page_url(page)] for page in range(3)} <= set(
        rounds.on_disk().values()
    )


def test_a_new_version_that_was_cut_short_is_not_complete(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [Work(1, pages=3)]
    rounds.run()
    again = Work(1, pages=3, uploaded_at=datetime(2025, 3, 1, tzinfo=UTC))
    pixiv.public = [again]
    pixiv.fail("2025.*1_p1", delay_seconds=30)
    rounds.configure(timeout_seconds=4)
    rounds.run()
    assert rounds.works()[1].state is WorkState.WANTED
    rounds.configure(timeout_seconds=30)
    rounds.run()
    assert {again.files()[again.page_url(page)] for page in range(3)} <= set(
        rounds.on_disk().values()
    )
