"""JSON lines of several processes stay whole, hold no secret, and say where they come from."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from sync_assets import logs
from sync_assets.logs import JsonLinesHandler, configure_logging, redactor, stage
from sync_assets.settings import load_settings

WRITER = """
import logging, sys
from sync_assets.logs import configure_logging
from sync_assets.settings import load_settings
configure_logging(load_settings())
logger = logging.getLogger("sync_assets.writer")
for number in range(200):
    logger.info("%s %s %s", sys.argv[1], number, "x" * 5000)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNC_HOME", str(tmp_path))
    yield tmp_path
    logger = logging.getLogger(logs.PACKAGE)
    for handler in list(logger.handlers):
        if isinstance(handler, JsonLinesHandler):
            logger.removeHandler(handler)


def read_lines(home: Path) -> list[dict]:
    files = sorted((home / "logs").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_lines_of_many_processes_stay_whole(home):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(number)]) for number in range(6)]
    assert [writer.wait() for writer in writers] == [0] * 6
    written = sorted(tuple(line["message"].split()[:2]) for line in read_lines(home))
    assert written == sorted((str(one), str(two)) for one in range(6) for two in range(200))


def test_configuring_twice_writes_each_line_once(home):
    settings = load_settings()
    configure_logging(settings)
    configure_logging(settings)
    logging.getLogger("sync_assets.x").info("once")
    assert [line["message"] for line in read_lines(home)] == ["once"]


def test_a_secret_of_the_settings_is_never_written(home, monkeypatch):
    secret = "postgresql+psycopg://user:hunter22@localhost/x"
    monkeypatch.setenv("SYNC_LEDGER__URL", secret)
    settings = load_settings()
    configure_logging(settings)
    logging.getLogger("sync_assets.x").info("cannot connect to %s", secret)
    assert [line["message"] for line in read_lines(home)] == ["cannot connect to [secret]"]
    assert redactor(settings)("harmless") == "harmless"


def test_a_log_that_cannot_be_written_does_not_stop_the_work(home, capsys):
    (home / "logs").write_text("a file in the place of the directory", encoding="utf-8")
    configure_logging(load_settings())
    logging.getLogger("sync_assets.x").info("lost")
    assert "FileExistsError" in capsys.readouterr().err


def test_an_error_keeps_its_traceback(home):
    configure_logging(load_settings())
    try:
        int("boom")
    except ValueError:
        logging.getLogger("sync_assets.x").exception("failed")
    assert "ValueError: invalid literal" in read_lines(home)[0]["traceback"]


def test_a_stage_says_how_long_it_took_and_what_it_did(home):
    configure_logging(load_settings())
    logger = logging.getLogger("sync_assets.x")
    with stage(logger, "download", account="me") as result:
        logger.info("inside")
        result["files"] = 3
    first, inside, last = read_lines(home)
    assert first["message"] == "download: started"
    assert (inside["stage"], inside["account"]) == ("download", "me")
    assert (last["files"], last["account"]) == (3, "me")
    assert last["seconds"] >= 0
    logger.info("after")
    assert "stage" not in read_lines(home)[-1]


def test_a_failed_stage_says_why(home):
    configure_logging(load_settings())
    with (
        pytest.raises(ValueError, match="boom"),
        stage(logging.getLogger("sync_assets.x"), "download"),
    ):
        raise ValueError("boom")
    last = read_lines(home)[-1]
    assert (last["level"], last["error"]) == ("ERROR", "ValueError")
    assert "boom" in last["message"]


def test_in_a_run_a_stage_reaches_the_runs_log_and_names_asset_partition_and_run(home, tmp_path):
    configure_logging(load_settings())

    @dg.asset(key=["demo", "thing"], partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def thing(context: dg.AssetExecutionContext) -> None:
        with stage(context, "scan"):
            logging.getLogger("sync_assets.demo").info("plain line")

    overrides = {
        "python_logs": {"managed_python_loggers": ["sync_assets"]},
        "telemetry": {"enabled": False},
    }
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance"), overrides) as instance:
        result = dg.materialize([thing], instance=instance, partition_key="a")
        in_run = [entry.user_message for entry in instance.all_logs(result.run_id)]
    lines = [line for line in read_lines(home) if line.get("stage") == "scan"]
    assert [line["message"] for line in lines][:2] == ["scan: started", "plain line"]
    for line in lines:
        assert line["asset"] == "demo/thing"
        assert line["partition"] == "a"
        assert line["run_id"] == result.run_id
    assert "scan: started" in in_run
    assert "plain line" in in_run
