"""Whole rounds with the real gallery-dl: what is bookmarked becomes files, once."""

from sync_assets.pixiv.models import BookmarkState, FileKind, WorkState
from sync_assets_tests.pixiv.rounds import Rounds
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works


def test_a_first_round_gets_everything_and_a_second_one_nothing(
    rounds: Rounds, pixiv: PixivStandIn
) -> None:
    pixiv.public = [
        Work(1, pages=3),
        Work(2, kind="ugoira", delays=(30, 70, 100)),
        Work(3, limit="unknown"),
        Work(4, limit="mypixiv"),
        *make_works(60),
    ]
    bookmarks, files, animations = rounds.run()
    assert bookmarks.numbers["added"] == 64
    assert files.numbers["added"] == 64
    assert files.failures == []
    assert animations.numbers["added"] == 1
    states = {work_id: row["state"] for work_id, row in rounds.rows().items()}
    assert states[3] == BookmarkState.DELETED
    assert states[4] == BookmarkState.LOCKED
    assert rounds.works()[3].state is WorkState.UNAVAILABLE
    assert sum(work.state is WorkState.COMPLETE for work in rounds.works().values()) == 62
    assert sorted(rounds.outbox.posts.values()) == [1] * 64
    expected = [content for work in pixiv.public for content in _originals(work)]
    disk = rounds.on_disk()
    assert sorted(content for name, content in disk.items() if not name.endswith(".mp4")) == sorted(
        expected
    )
    assert [each.kind for each in rounds.verified() if each.work_id == 2] == [
        FileKind.ANIMATION,
        FileKind.UGOIRA,
    ]
    assert rounds.state().full_pass_completed_at is not None
    before = len(pixiv.requests)
    again = rounds.run()
    assert [result.numbers["added"] for result in again] == [0, 0, 0]
    assert len(pixiv.requests) - before == 2
    assert rounds.on_disk() == disk
    assert sorted(rounds.outbox.posts.values()) == [1] * 64


def _originals(work: Work) -> list[bytes]:
    if work.limit is not None:
        return []
    if work.kind == "ugoira":
        return [work.files()[work.zip_url("1920x1080")]]
    return [work.files()[work.page_url(page)] for page in range(work.pages)]
