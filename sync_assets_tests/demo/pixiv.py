"""The bookmarks of a stand-in of Pixiv, with the real gallery-dl; each becomes a Telegram post."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sync_assets_tests.benchmarks.pixiv import running_stand_in
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID
from sync_assets_tests.upstreams.telegram import TOKEN, Limits, TelegramServer

WORKS, ANIMATIONS = 8, 2
BOTH = WORKS + ANIMATIONS
CHAT = "4711"
STAGES = ("bookmarks", "files", "animations", "posts")
EXPECTED = (
    ("new", {"bookmarks": BOTH, "files": BOTH, "animations": ANIMATIONS, "posts": BOTH}),
    ("again", {"bookmarks": 0, "files": 0, "animations": 0, "posts": 0}),
)

telegram = TelegramServer(limits=Limits())


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Lead every process that this one starts to stand-ins, never to Pixiv or Telegram."""
    arguments = ("--pictures", "--ugoira", str(ANIMATIONS))
    with running_stand_in(base, WORKS, *arguments) as (_, environment), telegram:
        telegram.add_chat(CHAT)
        os.environ.update(environment)
        yield f"""
[pixiv]
download_directory = "pictures"
sleep_request = 0
disk_free_threshold_bytes = 0

[pixiv.accounts.demo]
user_id = {USER_ID}
refresh_token = "{REFRESH_TOKEN}"

[telegram]
bot_token = "{TOKEN}"
base_url = "{telegram.url}"
chat_ids = ["{CHAT}"]
"""


def show(stage: Stage) -> None:
    """Run a round that finds everything, and one that finds nothing new."""
    rows = []
    for title, expected in EXPECTED:
        ends = stage.run_job("pixiv_sync", title)
        added = {
            str(end["asset"]).rpartition("/")[2]: int(end.get("added", end.get("sent", 0)))
            for end in ends
        }
        stage.expect(f"pixiv, {title}", added, expected)
        rows.append((title, *(added.get(name, 0) for name in STAGES)))
    stage.table("What pixiv_sync added", ("run", *STAGES), rows)
    pictures = [path for path in (stage.base / "pictures").rglob("*") if path.is_file()]
    stage.say(f"{len(pictures)} files, such as {max(pictures).relative_to(stage.base)}")
    message = telegram.messages[0]
    caption = " · ".join(message.caption.split("\n"))
    stage.say(f"{len(telegram.messages)} posts at Telegram's pace; the first one says: {caption}")
    posted = telegram.posted().values()
    stage.expect("telegram", {"posts of one file": max(posted)}, {"posts of one file": 1})
