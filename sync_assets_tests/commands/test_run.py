"""`scripts/run` with the real Dagster services."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys

import psutil
import pytest

RUN = [sys.executable, "-m", "sync_assets.commands.run"]


@pytest.fixture
def environment(tmp_path):
    # A `.env` in the working directory, as every checkout has one, must not win.
    (tmp_path / ".env").write_text(f"DAGSTER_HOME={tmp_path / 'other'}\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    return {**os.environ, "SYNC_HOME": str(tmp_path / "home")}


def get(address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().status


@pytest.mark.end_to_end
def test_everything_comes_up_once_is_reachable_and_goes_away(environment, tmp_path):
    process = subprocess.Popen(
        [*RUN, "--webserver-port", "0", "--server-port", "0"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "ready:" in line:
                break
        interface, server = re.findall(r"http://(\S+:\d+)", "".join(lines))
        assert get(interface, "/server_info") == 200
        assert get(server, "/health") == 200
        again = subprocess.run(
            RUN, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert again.returncode == 1
        assert f"already running on it (pid {process.pid})" in again.stderr
        descendants = psutil.Process(process.pid).children(recursive=True)
        assert len(descendants) >= 5
        for descendant in descendants:
            for connection in descendant.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    assert connection.laddr[0] == "127.0.0.1"
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 0
    assert [one for one in descendants if one.is_running()] == []
    names = {path.name for path in (tmp_path / "home" / "logs").iterdir()}
    assert names >= {"code-server.log"}
    assert sorted(path.name for path in tmp_path.glob(".*")) == [".env"]
    assert list((tmp_path / "other").iterdir()) == []


def test_a_port_in_use_stops_the_start_before_anything_is_made(environment, tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        outcome = subprocess.run(
            [*RUN, "--webserver-port", port],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert outcome.returncode == 1
    assert "dagster.port" in outcome.stderr
    assert "--webserver-port" in outcome.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["run.lock"]
