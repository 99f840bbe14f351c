"""The health report and `health.json`."""

import json
import multiprocessing
import sqlite3

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import HealthFileError, health_report, report_result
from sync_assets.settings import Settings


def settings_with_jobs(home, *names: str) -> Settings:
    jobs = {
        name: {
            "source": {"path": home / "media" / name},
            "output": home / "library" / name,
            "url_template": "http://nas.lan/{path}",
        }
        for name in names
    }
    return Settings.model_validate({"home": home, "strm": {"jobs": jobs}})


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield ledger
    ledger.close()


def test_a_domain_without_configuration_is_off_and_without_result_is_waiting(tmp_path, ledger):
    off = health_report(ledger, settings_with_jobs(tmp_path))
    assert (off.status, off.domains["strm"].status) == ("ok", "off")
    waiting = health_report(ledger, settings_with_jobs(tmp_path, "films"))
    assert (waiting.status, waiting.domains["strm"].status) == ("ok", "waiting")


def test_the_worst_partition_is_the_domains_status(tmp_path, ledger):
    settings = settings_with_jobs(tmp_path, "films", "series")
    report_result(ledger, settings, Result("strm", "films", ResultStatus.OK, added=2, skipped=1))
    assert health_report(ledger, settings).status == "ok"
    report_result(ledger, settings, Result("strm", "series", ResultStatus.FAILED, failed=1))
    report = health_report(ledger, settings)
    assert (report.status, report.domains["strm"].status) == ("degraded", "failed")
    films, series = report.domains["strm"].partitions
    assert (films.added, films.skipped, films.failed) == (2, 1, 0)
    assert series.status == "failed"


def test_a_partition_that_is_no_longer_configured_is_shown_and_does_not_count(tmp_path, ledger):
    both = settings_with_jobs(tmp_path, "films", "series")
    report_result(ledger, both, Result("strm", "series", ResultStatus.FAILED))
    report = health_report(ledger, settings_with_jobs(tmp_path, "films"))
    assert (report.status, report.domains["strm"].status) == ("ok", "waiting")
    assert [partition.configured for partition in report.domains["strm"].partitions] == [False]


def test_a_result_of_the_whole_domain_counts(tmp_path, ledger):
    settings = settings_with_jobs(tmp_path, "films")
    report_result(ledger, settings, Result("strm", "", ResultStatus.DEGRADED))
    assert health_report(ledger, settings).status == "degraded"


def test_a_missing_schema_is_failed_and_says_what_to_do(tmp_path, ledger):
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("DROP TABLE alembic_version")
    connection.close()
    report = health_report(ledger, settings_with_jobs(tmp_path, "films"))
    assert (report.status, report.domains["strm"].status) == ("failed", "unknown")
    assert report.ledger.remedy


def test_details_of_a_result_stay_in_the_ledger(tmp_path, ledger):
    settings = settings_with_jobs(tmp_path, "films")
    result = Result("strm", "films", ResultStatus.FAILED, detail={"error": "/home/alice/x"})
    report_result(ledger, settings, result)
    assert "alice" not in (tmp_path / "health.json").read_text()


def report_many(home, worker: int) -> None:
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    settings = Settings(home=home)
    for number in range(10):
        result = Result("strm", f"{worker}-{number}", ResultStatus.OK, added=number)
        report_result(ledger, settings, result)
    ledger.close()


def test_processes_that_report_at_once_lose_no_result_in_the_file(tmp_path, ledger):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=report_many, args=(tmp_path, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    report = json.loads((tmp_path / "health.json").read_text())
    assert len(report["domains"]["strm"]["partitions"]) == 30
    assert list(tmp_path.glob(".health.json.*[!k]")) == []


def test_a_file_that_cannot_be_written_is_an_error_and_the_result_is_kept(tmp_path, ledger):
    (tmp_path / "health.json").mkdir()
    settings = settings_with_jobs(tmp_path, "films")
    with pytest.raises(HealthFileError) as failure:
        report_result(ledger, settings, Result("strm", "films", ResultStatus.OK, added=5))
    assert "writable" in failure.value.remedy
    assert health_report(ledger, settings).domains["strm"].partitions[0].added == 5
    assert list(tmp_path.glob(".health.json.*[!k]")) == []
