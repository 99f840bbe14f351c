"""From an address to files on disk: a feed that grows, the real aria2, the library."""

from pathlib import Path

import pytest

from sync_assets.relay.worker import drive
from sync_assets_tests.upstreams.feed_site import Document
from sync_assets_tests.upstreams.origin import OriginServer
from sync_assets_tests.watchlist.watching import Watching, feed


@pytest.fixture
def origin():
    with OriginServer() as running:
        yield running


def test_the_next_episode_is_on_disk_without_another_word(
    watching: Watching, origin: OriginServer, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    watching.options["library"] = {"directory": str(library)}
    names = [f"[Group] Hoshizora - {number:02} (1080p).mkv" for number in (1, 2)]
    entries = [
        (name, origin.add(f"/{number}.mkv", b"episode %d " % number * 5_000))
        for number, name in enumerate(names, start=1)
    ]
    origin.fail("/2.mkv", "status", status=503)
    watching.site.documents["/show"] = Document(feed(entries[:1]))
    item_id = watching.add(expected_episodes=2)
    for count in (1, 2):
        watching.site.documents["/show"] = Document(feed(entries[:count]))
        watching.recheck()
        drive(watching.settings, watching.ledger, run_id="a run", seconds=60)
        watching.run()
    assert watching.states(item_id) == {"1": "downloaded", "2": "downloaded"}
    folder = library / "Hoshizora" / "Season 01"
    assert sorted(path.name for path in folder.iterdir()) == [
        "Hoshizora - S01E01.mkv",
        "Hoshizora - S01E02.mkv",
    ]
    assert (folder / "Hoshizora - S01E02.mkv").read_bytes() == b"episode 2 " * 5_000
    assert watching.item(item_id).state == "completed"
