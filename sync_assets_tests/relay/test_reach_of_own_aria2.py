"""A user's aria2 keeps tasks longer than a worker lives, and so longer than its proxy."""

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import API_SOURCE
from sync_assets.relay.worker import drive
from sync_assets_tests.ops.waiting import wait_until
from sync_assets_tests.relay.killed_worker import settings_of
from sync_assets_tests.relay.own_aria2 import SECRET, OwnAria2
from sync_assets_tests.upstreams.origin import OriginServer

CONTENT = b"film" * 50_000
SLOW = 100_000


def test_what_is_cut_off_with_a_worker_goes_on_in_the_next(
    own_aria2: OwnAria2, tmp_path: Path, origin: OriginServer
) -> None:
    aria2 = {"url": str(own_aria2.settings.aria2.url), "secret": SECRET}
    options = {"aria2": aria2, "allowed_private_hosts": ["localhost"]}
    settings = settings_of(tmp_path, options)
    ledger = Ledger.open(settings.ledger_url)
    origin.add("/film.mkv", CONTENT, bytes_per_second=SLOW)
    link = f"http://localhost:{urlsplit(origin.url).port}/film.mkv"
    with ledger.write() as connection:
        download_id = enqueue(connection, source=API_SOURCE, link=link).download_id

    def row() -> AnyRow:
        with ledger.read() as connection:
            return downloads.get(connection, download_id)

    command = [sys.executable, "-m", "sync_assets_tests.relay.killed_worker"]
    worker = subprocess.Popen([*command, tmp_path, json.dumps(options)])
    wait_until(lambda: row().completed_bytes > 0, "it has begun")
    worker.kill()
    worker.wait()
    wait_until(lambda: not own_aria2.has(row().gid), "aria2 sees that the proxy is gone")
    drive(settings, ledger, run_id="the next run")
    assert (row().state, row().attempts) == ("completed", 0)
    assert Path(row().path).read_bytes() == CONTENT
    ledger.close()
