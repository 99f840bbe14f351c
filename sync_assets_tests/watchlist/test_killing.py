"""A check that is killed anywhere is repeated, and each episode is downloaded once."""

import signal
import subprocess
import sys

import pytest

from sync_assets_tests.watchlist.killed_check import POINTS
from sync_assets_tests.watchlist.watching import Watching

NAMES = ("[Group] Hoshizora - 01 (1080p).mkv", "[Group] Hoshizora - 02 (1080p).mkv")


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_check_loses_nothing_and_doubles_nothing(watching: Watching, point: str) -> None:
    watching.publish("/show", *NAMES)
    item_id = watching.add()
    command = [sys.executable, "-m", "sync_assets_tests.watchlist.killed_check"]
    done = subprocess.run([*command, watching.home, point], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    watching.run()
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
    assert len(watching.downloads()) == 2
    outcomes = [row.outcome for row in watching.checks(item_id)]
    assert outcomes == ["interrupted", "ok"]
