"""What the supervisor starts runs for as long as the supervisor does, and not longer."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_assets_tests.ops.waiting import is_running, read_process_id, wait_until

QUICK = {
    "first_delay": 0.05,
    "longest_delay": 0.2,
    "settled_after": 0.1,
    "stop_within": 2,
    "probe_interval": 0.1,
}

# A service with a child in its group and one that left it, each of which leaves its id.
FAMILY = """
import os, subprocess, sys, time
from pathlib import Path
directory = Path(sys.argv[1])
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
names = {"parent": os.getpid(), "child": subprocess.Popen(sleep).pid}
names["stray"] = subprocess.Popen(sleep, start_new_session=True).pid
for name, process_id in names.items():
    (directory / name).write_text(str(process_id))
time.sleep(600)
"""

STUBBORN = """
import os, signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1], "stubborn").write_text(str(os.getpid()))
time.sleep(600)
"""


def python(code: str, directory: Path) -> list[str]:
    return [sys.executable, "-c", code, str(directory)]


@pytest.fixture
def start(tmp_path) -> Iterator:
    started: list[subprocess.Popen[str]] = []

    def start_supervisor(*services: dict, **timing: float) -> subprocess.Popen[str]:
        argument = json.dumps([services, {**QUICK, **timing}])
        process = subprocess.Popen(
            [sys.executable, "-m", "sync_assets_tests.ops.supervised", str(tmp_path), argument],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start_supervisor
    for process in started:
        if process.returncode is None:
            process.terminate()
            process.communicate()


def family(directory: Path) -> list[int]:
    return [read_process_id(directory / name) for name in ("parent", "child", "stray")]


def wait_for_end(process_ids: list[int]) -> None:
    wait_until(lambda: not any(is_running(one) for one in process_ids), f"the end of {process_ids}")


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return
    pytest.fail(f"{text!r} never came: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_the_service_and_all_its_descendants(start, tmp_path, number):
    supervisor = start({"name": "family", "command": python(FAMILY, tmp_path)})
    processes = family(tmp_path)
    wait_for_line(supervisor, "ready")
    supervisor.send_signal(number)
    supervisor.communicate()
    assert supervisor.returncode == 0
    assert [one for one in processes if is_running(one)] == []


def test_killing_the_supervisor_leaves_nothing(start, tmp_path):
    supervisor = start({"name": "family", "command": python(FAMILY, tmp_path)})
    processes = family(tmp_path)
    supervisor.kill()
    wait_for_end(processes)
    marker = str(tmp_path).encode()
    wait_until(lambda: not _processes_with(marker), "the end of all that names the directory")


def _processes_with(text: bytes) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            # Every command of these tests names the test's directory, except the pytest process.
            if text in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(path.parent.name)
        except OSError:
            continue
    return [one for one in found if is_running(int(one))]


def test_a_killed_service_is_started_again_without_what_it_left(start, tmp_path):
    supervisor = start({"name": "family", "command": python(FAMILY, tmp_path)})
    parent, child, _ = family(tmp_path)
    wait_for_line(supervisor, "ready")
    os.kill(parent, signal.SIGKILL)
    wait_for_line(supervisor, "family was ended by SIGKILL; starting it again")
    wait_until(lambda: (tmp_path / "parent").read_text() != str(parent), "a new service")
    wait_for_end([child])
    assert is_running(read_process_id(tmp_path / "parent"))


def test_a_service_that_ignores_the_request_to_end_is_killed(start, tmp_path):
    supervisor = start({"name": "stubborn", "command": python(STUBBORN, tmp_path)}, stop_within=0.5)
    stubborn = read_process_id(tmp_path / "stubborn")
    supervisor.send_signal(signal.SIGINT)
    supervisor.communicate()
    assert not is_running(stubborn)


def test_a_second_signal_does_not_wait(start, tmp_path):
    supervisor = start({"name": "stubborn", "command": python(STUBBORN, tmp_path)}, stop_within=600)
    stubborn = read_process_id(tmp_path / "stubborn")
    supervisor.send_signal(signal.SIGINT)
    wait_for_line(supervisor, "stopping")
    supervisor.send_signal(signal.SIGINT)
    supervisor.communicate()
    assert not is_running(stubborn)


def test_a_service_that_never_came_up_ends_everything_with_its_last_lines(start, tmp_path):
    broken = {"name": "broken", "command": [sys.executable, "-c", "raise SystemExit('no port')"]}
    supervisor = start(
        {"name": "family", "command": python(FAMILY, tmp_path)}, broken, settled_after=60
    )
    processes = family(tmp_path)
    output, _ = supervisor.communicate()
    assert supervisor.returncode == 1
    assert "broken never came up: it ended with code 1" in output
    assert "no port" in output
    assert str(tmp_path / "broken.log") in output
    assert [one for one in processes if is_running(one)] == []


def test_a_service_that_was_ready_once_is_never_given_up(start, tmp_path):
    code = """
import sys, time
from pathlib import Path
count = Path(sys.argv[1], "count")
with count.open("a") as file:
    file.write("x")
time.sleep(1 if count.stat().st_size == 1 else 0)
raise SystemExit(3)
"""
    supervisor = start({"name": "flaky", "command": python(code, tmp_path)}, attempts=2)
    wait_for_line(supervisor, "ready")
    count = tmp_path / "count"
    wait_until(lambda: count.exists() and count.stat().st_size > 6, "many restarts")
    assert supervisor.poll() is None


def test_a_program_that_is_missing_is_explained(start):
    supervisor = start({"name": "ghost", "command": ["/nonexistent/program"]})
    output, _ = supervisor.communicate()
    assert supervisor.returncode == 1
    assert "ghost cannot be started: /nonexistent/program: No such file or directory" in output
    assert "What to do:" in output


def test_services_start_in_their_order_and_prepared(start, tmp_path):
    def write(name: str) -> str:
        return f"open(r'{tmp_path}/order', 'a').write('{name} ')"

    sleep = "; import time; time.sleep(600)"
    supervisor = start(
        {
            "name": "second",
            "command": [sys.executable, "-c", write("second") + sleep],
            "after": ["first"],
        },
        {
            "name": "first",
            "command": [sys.executable, "-c", write("first") + sleep],
            "before_start": [sys.executable, "-c", write("prepared")],
        },
        settled_after=2,
    )
    wait_for_line(supervisor, "ready")
    assert (tmp_path / "order").read_text() == "prepared first second "
