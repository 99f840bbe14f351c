"""The worker, and with it its aria2, is killed again and again; nothing is lost or doubled."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import read_events
from sync_assets.ledger.schema import relay_downloads
from sync_assets_tests.relay.killed_worker import settings_of
from sync_assets_tests.upstreams.origin import OriginServer

KILLS = 5
FILES = 12


def test_all_files_are_right_after_kills_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(7)
    settings = settings_of(tmp_path)
    ledger = Ledger.open(settings.ledger_url)
    command = [sys.executable, "-m", "sync_assets_tests.relay.killed_worker", str(tmp_path)]
    with OriginServer() as origin:
        contents = {f"/{n}.mkv": chance.randbytes(300_000 + n) for n in range(FILES)}
        with ledger.write() as connection:
            for path, content in contents.items():
                link = origin.add(path, content, bytes_per_second=400_000)
                relay.enqueue(connection, source="test", link=link)
        for _ in range(KILLS):
            worker = subprocess.Popen(command, start_new_session=True)
            time.sleep(chance.uniform(0.6, 2.0))
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        subprocess.run(command, check=True, timeout=100)
    with ledger.read() as connection:
        rows = connection.execute(select(relay_downloads)).all()
        history = read_events(connection, entity="relay_download")
    ledger.close()
    assert [row.state for row in rows] == ["completed"] * FILES
    found = sorted(hashlib.sha256(Path(row.path).read_bytes()).hexdigest() for row in rows)
    assert found == sorted(hashlib.sha256(each).hexdigest() for each in contents.values())
    completions = [event.entity_id for event in history if event.state == "completed"]
    assert len(completions) == len(set(completions)) == FILES
    assert {each.name for each in (tmp_path / "downloads").iterdir()} == {row.gid for row in rows}
    assert not list((tmp_path / "downloads").rglob("*.aria2"))
    assert not (tmp_path / "relay" / "aria2" / "aria2.conf").exists()
