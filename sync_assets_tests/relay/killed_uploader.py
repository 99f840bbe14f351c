"""An uploader as a program that is killed at a point: `… killed_uploader SETTINGS.json POINT`."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from sync_assets.ledger import Ledger
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.rclone.source import open_rclone
from sync_assets.relay.rclone.storage import Storage
from sync_assets.relay.resting import drive_to_rest
from sync_assets.relay.uploading.opening import open_targets
from sync_assets.relay.uploading.rclone_target import RcloneTarget
from sync_assets.relay.uploading.uploader import Uploader
from sync_assets.settings import Settings

POINTS = {
    "U1": (Storage, "copy", "before"),
    "U3": (Storage, "copy", "after"),
    "publishing": (Storage, "move", "before"),
    "U4": (Storage, "move", "after"),
    "C1": (DownloadFolders, "discard", "before"),
    "C2": (DownloadFolders, "discard", "after"),
}

TOGETHER = {
    "copying together": (Storage, "copy_each", "before"),
    "copied together": (Storage, "copy_each", "after"),
    "publishing together": (Storage, "move_each", "before"),
    "published together": (Storage, "move_each", "after"),
}
"""Where small files are sent together, as they are once one has arrived."""


def die_at(point: str) -> None:
    owner, name, moment = {**POINTS, **TOGETHER}[point]
    original = getattr(owner, name)

    def method(*arguments: Any, **named: Any) -> Any:
        if moment == "after":
            original(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, method)


def main() -> None:
    die_at(sys.argv[2])
    given = json.loads(Path(sys.argv[1]).read_text())
    settings = Settings.model_validate(given["settings"])
    ledger = Ledger.open(given["ledger"])
    with open_rclone(settings) as processes:
        targets = open_targets(settings, ledger, processes, None)
        for target in targets.values():
            if sys.argv[2] in TOGETHER and isinstance(target, RcloneTarget):
                target.takes_files = True
        with Uploader(settings.relay, ledger, targets, run_id="a run") as uploader:
            drive_to_rest([uploader], seconds=60)


if __name__ == "__main__":
    main()
