"""A video sent to the bot, and a link: with the real aria2 and rclone to two drives, and a chat.

One of the drives is the folder of a STRM job, so that what is relayed is on the shelf at once.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets_tests.demo.pixiv import telegram
from sync_assets_tests.demo.stage import Stage
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.origin import OriginServer

SENDER, CHAT = 42, "4712"
VIDEO, LINKED = "Voyage à Kyoto.mp4", "Paprika (2006).mkv"
CONTENT = bytes(range(256)) * 4_000

_origin = OriginServer()
_clouds: list[Clouds] = []


@contextmanager
def prepared(base: Path) -> Generator[str]:
    """Start a web server and the clouds; Telegram is started by the part that posts to it."""
    remotes = base / "rclone.conf"
    remotes.write_text(f"[nas]\ntype = alias\nremote = {base / 'media'}\n", encoding="utf-8")
    with _origin, Clouds(base / "clouds") as clouds:
        _clouds.append(clouds)
        telegram.add_chat(str(SENDER))
        telegram.add_chat(CHAT)
        yield f"""
[relay]
enabled = true
allowed_users = [{SENDER}]
disk_free_threshold_bytes = 0

[relay.targets.nas]
kind = "rclone"
remote = "nas:Relayed"
path = "{{name}}"
config_path = "rclone.conf"
strm_root = "{base / "media" / "Relayed"}"

[relay.targets.gdrive]
kind = "rclone"
remote = "gdrive:Media"
config_path = "{clouds.config_path}"

[relay.targets.archive]
kind = "telegram"
chat_id = "{CHAT}"
required = false
"""


def show(stage: Stage) -> None:
    """Relay both, see that nothing is relayed twice, and find them on the shelf."""
    sent = telegram.incoming.add_file("kyoto", CONTENT)
    details = {"file_name": VIDEO, "mime_type": "video/mp4", "duration": 5}
    sender = {"id": SENDER, "is_bot": False, "first_name": "Ann"}
    message: dict[str, Any] = {"chat": {"id": SENDER, "type": "private"}, "from": sender}
    telegram.incoming.receive(**message, video={**sent, **details})
    ledger = Ledger.open(stage.settings.ledger_url)
    try:
        with ledger.write() as connection:
            link = _origin.add("/paprika.mkv", CONTENT)
            relay.enqueue(connection, source="demo", link=link, name=LINKED)
    finally:
        ledger.close()
    stage.run_job("relay_sync", "a video in a chat, and a link")
    _expect(stage, "relayed")
    stage.run_job("relay_sync", "again")
    _expect(stage, "relayed again")
    replies = sorted({text for _, text in telegram.edits})
    stage.say(f"The bot answered: {replies[-1]}")
    _show_files(stage)
    stage.run_job("strm_events", "the drive has new files")
    shelf = stage.settings.strm.jobs["movies"].output / "Relayed"
    found = {path.name for path in shelf.iterdir()}
    names = {f"{Path(name).stem}.strm" for name in (VIDEO, LINKED)}
    stage.expect("shelf", {"files": found}, {"files": names})
    stage.say(f"On the shelf without a scan: {', '.join(sorted(found))}")


def _expect(stage: Stage, title: str) -> None:
    (clouds,) = _clouds
    got: dict[str, Any] = {
        "nas": sorted(path.name for path in (stage.base / "media" / "Relayed").iterdir()),
        "gdrive": sorted(Path(path).name for path in clouds.published("gdrive")),
        "archive": sum(message.chat_id == CHAT for message in telegram.messages),
        "left behind": len(list(stage.settings.relay.download_directory.iterdir())),
    }
    names = sorted((VIDEO, LINKED))
    stage.expect(title, got, {"nas": names, "gdrive": names, "archive": 2, "left behind": 0})


def _show_files(stage: Stage) -> None:
    (clouds,) = _clouds
    rows = [("nas", f"Relayed/{name}") for name in sorted((VIDEO, LINKED))]
    rows += [("gdrive", path) for path in sorted(clouds.published("gdrive"))]
    rows += [("archive", "message") for each in telegram.messages if each.chat_id == CHAT]
    stage.table("What relay_sync brought where", ("target", "file"), rows)
