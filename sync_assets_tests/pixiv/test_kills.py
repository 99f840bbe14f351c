"""Rounds that are killed anywhere: nothing is lost, nothing twice, nothing unannounced.

`PIXIV_KILLS=60` kills as often as the benchmark of this property asks for.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.pixiv.files import read_files
from sync_assets.pixiv.models import FileState
from sync_assets_tests.pixiv.conftest import GALLERY_DL
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works

KILLS = int(os.environ.get("PIXIV_KILLS", "2"))
FILES = int(os.environ.get("PIXIV_FILES", "60"))


def test_killed_rounds_lose_nothing_and_repeat_nothing(pixiv: PixivStandIn, tmp_path: Path) -> None:
    pixiv.public = [
        Work(1, kind="ugoira", delays=(30, 40)),
        Work(2, pages=7),
        *make_works(FILES - 8),
    ]
    pixiv.fail("img-original", times=-1, delay_seconds=0.02)
    home, downloads = tmp_path / "home", tmp_path / "downloads"
    command = [sys.executable, "-m", "sync_assets_tests.pixiv.killed_round"]
    command += [str(home), str(downloads), str(GALLERY_DL)]
    environment = {**os.environ, **pixiv.environment(tmp_path)}
    for _ in range(KILLS):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            process.wait(random.uniform(1, 5))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    pixiv.faults.clear()
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, timeout=120)
    expected = Counter(
        content
        for work in pixiv.public
        for url, content in work.files().items()
        if "img-original" in url or "1920x1080" in url
    )
    found = [
        path
        for path in downloads.rglob("*")
        if path.is_file() and path.suffix in {".png", ".zip", ".jpg"}
    ]
    assert Counter(path.read_bytes() for path in found) == expected
    assert list(downloads.rglob("*.part")) == []
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    with ledger.read() as connection:
        files = read_files(connection, "main", states={FileState.VERIFIED})
        posts = connection.exec_driver_sql("SELECT work_id, page FROM telegram_posts").all()
    ledger.close()
    assert len(files) == FILES + 1
    assert len(set(posts)) == len(posts) == FILES
