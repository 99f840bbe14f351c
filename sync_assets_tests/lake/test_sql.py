"""`scripts/sql`, as a user runs it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sync_assets.lake import Lake

REPOSITORY = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sync_assets.commands.sql"]


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    lake = Lake(tmp_path / "home" / "lake")
    frame = pd.DataFrame(
        {
            "id": [1, 2],
            "title": ["[bold]花火\x1b[31m", None],
            "rating": [0.5, float("nan")],
            "watched": pd.to_datetime(["2024-01-01", None], utc=True),
            "tags": [["a"], None],
        }
    )
    lake.write(["trakt", "history"], frame, partition="me|2024-01")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("SYNC_")}
    return {**inherited, "SYNC_HOME": str(tmp_path / "home")}


def sql(environment, *arguments, given=""):
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment,
        cwd=REPOSITORY,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_query_prints_a_table_that_cannot_steer_the_terminal(environment):
    result = sql(environment, "SELECT title, _partition FROM trakt.history; SELECT 7 AS seven")
    assert (result.returncode, result.stderr) == (0, "")
    assert "[bold]花火\N{REPLACEMENT CHARACTER}[31m" in result.stdout
    assert "NULL" in result.stdout
    assert "me|2024-01" in result.stdout
    assert "seven" in result.stdout


def test_csv_and_json_print_every_row(environment):
    query = "SELECT id, rating, watched, tags FROM trakt.history ORDER BY id"
    environment["TZ"] = "UTC"
    csv = sql(environment, "--csv", query).stdout.splitlines()
    assert csv == ["id,rating,watched,tags", '1,0.5,2024-01-01 00:00:00+00:00,"[""a""]"', "2,,,"]
    assert json.loads(sql(environment, "--json", query).stdout) == [
        {"id": 1, "rating": 0.5, "watched": "2024-01-01 00:00:00+00:00", "tags": ["a"]},
        {"id": 2, "rating": None, "watched": None, "tags": None},
    ]
    many = sql(environment, "--csv", "SELECT * FROM range(2500)").stdout.splitlines()
    assert many == ["range", *map(str, range(2500))]
    assert json.loads(sql(environment, "--json", "SELECT 1 WHERE false").stdout) == []


def test_a_long_table_says_that_there_is_more(environment):
    assert "The first 500 rows" in sql(environment, "FROM range(501)").stdout
    assert "The first" not in sql(environment, "FROM range(500)").stdout


def test_statements_are_read_from_standard_input(environment):
    assert sql(environment, "--csv", given="SELECT 1 AS a;\nSELECT 2 AS b").stdout == "a\n1\nb\n2\n"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM trakt.histori", "Views: trakt.history"),
        ("SELEC 1", "syntax error"),
        ("COPY (SELECT 1) TO 'out.csv'", "--csv"),
        ("SELECT * FROM read_text('pyproject.toml')", "Permission Error"),
        ("ATTACH 'other.duckdb'", "Permission Error"),
        ("SET enable_external_access = true", "Cannot enable external access"),
        ("DELETE FROM trakt.history", "Views: trakt.history"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(environment, query, message):
    result = sql(environment, query)
    assert result.returncode == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert "What to do:" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (REPOSITORY / "other.duckdb").exists()


def test_a_wrong_configuration_is_said_without_a_traceback(environment):
    result = sql({**environment, "SYNC_SERVER__PORT": "many"}, "SELECT 1")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_a_damaged_asset_is_named_with_its_file(environment):
    path = Path(environment["SYNC_HOME"], "lake", "a", "bad", "+all.parquet")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 nonsense PAR1")
    assert sql(environment, "SELECT * FROM trakt.history").returncode == 0
    result = sql(environment, "SELECT * FROM a.bad")
    assert result.returncode == 1
    assert str(path) in result.stderr


def test_a_reader_that_stops_early_is_no_error(environment):
    with subprocess.Popen(
        [*COMMAND, "--csv", "FROM range(1000000)"],
        env=environment,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_the_shell_reads_statements_over_several_lines_and_survives_errors(environment):
    master, slave = pty.openpty()
    lines = (
        ".tables\nSELECT 40 +\n 2 AS answer;\nSELECT nonsense;\nSELECT 'still ' || 'here';\n.quit\n"
    )
    with subprocess.Popen(
        COMMAND,
        env=environment,
        cwd=REPOSITORY,
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(master, lines.encode())
        output, errors = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert process.returncode == 0
    assert "trakt.history" in output
    assert "42" in output
    assert "nonsense" in errors
    assert "still here" in output
