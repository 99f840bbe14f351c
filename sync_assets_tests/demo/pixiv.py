"""The bookmarks of a local stand-in of Pixiv, with the real gallery-dl: pictures and animations."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sync_assets_tests.benchmarks.pixiv import running_stand_in
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID

WORKS, ANIMATIONS = 40, 2
STAGES = ("bookmarks", "files", "animations")
EXPECTED = (
    ("new", {"bookmarks": WORKS + ANIMATIONS, "files": WORKS + ANIMATIONS, "animations": 2}),
    ("again", {"bookmarks": 0, "files": 0, "animations": 0}),
)


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Lead every process that this one starts to a stand-in of Pixiv, never to Pixiv itself."""
    arguments = ("--pictures", "--ugoira", str(ANIMATIONS))
    with running_stand_in(base, WORKS, *arguments) as (_, environment):
        os.environ.update(environment)
        yield f"""
[pixiv]
download_directory = "pictures"
sleep_request = 0
disk_free_threshold_bytes = 0

[pixiv.accounts.demo]
user_id = {USER_ID}
refresh_token = "{REFRESH_TOKEN}"
"""


def show(stage: Stage) -> None:
    """Run a round that finds everything, and one that finds nothing new."""
    rows = []
    for title, expected in EXPECTED:
        ends = stage.run_job("pixiv_sync", title)
        added = {
            str(end["asset"]).rpartition("/")[2]: int(end.get("added", 0))
            for end in ends
            if str(end["asset"]).startswith("pixiv/")
        }
        stage.expect(f"pixiv, {title}", added, expected)
        rows.append((title, *(added.get(name, 0) for name in STAGES)))
    stage.table("What pixiv_sync added", ("run", *STAGES), rows)
    pictures = [path for path in (stage.base / "pictures").rglob("*") if path.is_file()]
    stage.say(f"{len(pictures)} files, such as {max(pictures).relative_to(stage.base)}")
