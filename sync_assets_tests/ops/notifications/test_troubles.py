"""Failures are told once, until they are over."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus, record_result
from sync_assets.ledger.types import utc_now
from sync_assets.ops.notifications.outbox import (
    NotificationState,
    read_waiting,
    remove_told,
    settle,
)
from sync_assets.ops.notifications.troubles import begin_job_trouble, compare_results
from sync_assets.settings import Settings

CONNECT = {"remedy": "Connect it again: scripts/connect bangumi alice"}


class News:
    """What comes up to tell, each time somebody looks."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self.under_way: set[str] = set()

    def report(
        self,
        status: ResultStatus,
        detail: Mapping[str, Any] | None = None,
        *,
        partition: str = "alice",
        run_id: str = "run-1",
    ) -> None:
        result = Result("bangumi", partition, status, run_id=run_id, detail=detail or {})
        with self._ledger.write() as connection:
            record_result(connection, result)

    def look(self) -> None:
        with self._ledger.write() as connection:
            compare_results(connection, self._settings, self.under_way.__contains__)

    def told(self) -> list[str]:
        """Look, and tell what waits."""
        self.look()
        with self._ledger.write() as connection:
            waiting = read_waiting(connection)
            settle(connection, waiting, NotificationState.DELIVERED)
        return [f"{each.kind}: {each.title}" for each in waiting]


@pytest.fixture
def news(ledger: Ledger, settings: Settings) -> News:
    return News(ledger, settings)


def test_a_failure_is_told_once_until_it_recovers_and_so_is_the_recovery(news: News) -> None:
    news.report(ResultStatus.OK)
    assert news.told() == []
    for run in ("run-2", "run-3"):
        news.report(ResultStatus.FAILED, {"error": "Bangumi did not answer."}, run_id=run)
        news.look()
    assert news.told() == ["failures: bangumi alice failed"]
    assert news.told() == []
    news.report(ResultStatus.OK)
    assert news.told() == ["failures: bangumi alice works again"]
    assert news.told() == []
    news.report(ResultStatus.FAILED)
    assert news.told() == ["failures: bangumi alice failed"]


def test_what_failed_and_recovered_before_it_was_told_is_not_told(news: News) -> None:
    news.report(ResultStatus.FAILED)
    news.look()
    news.report(ResultStatus.OK)
    assert news.told() == []
    news.report(ResultStatus.FAILED)
    assert news.told() == ["failures: bangumi alice failed"]


def test_a_stage_that_works_is_no_recovery_while_its_run_is_under_way(news: News) -> None:
    news.report(ResultStatus.FAILED)
    assert len(news.told()) == 1
    news.under_way.add("run-2")
    news.report(ResultStatus.OK, run_id="run-2")
    assert news.told() == []
    news.under_way.clear()
    assert news.told() == ["failures: bangumi alice works again"]


def test_an_account_that_must_be_connected_again_is_told_although_it_failed_before(
    news: News,
) -> None:
    news.report(ResultStatus.FAILED)
    assert news.told() == ["failures: bangumi alice failed"]
    news.report(ResultStatus.FAILED, CONNECT)
    assert news.told() == ["accounts: bangumi alice must be connected"]
    news.report(ResultStatus.DEGRADED)
    assert sorted(news.told()) == [
        "accounts: bangumi alice works again",
        "failures: bangumi alice works again",
    ]


def test_what_is_not_configured_is_not_told(news: News) -> None:
    news.report(ResultStatus.FAILED, partition="bob")
    assert news.told() == []


def test_the_reason_is_that_of_the_stages_that_failed(news: News, ledger: Ledger) -> None:
    stages = {"matches": {"items": 3}, "plan": {"error": "Bangumi did not answer."}}
    news.report(ResultStatus.FAILED, {"stages": stages})
    news.look()
    with ledger.read() as connection:
        (waiting,) = read_waiting(connection)
    assert waiting.text == "plan: Bangumi did not answer."


def test_a_run_that_no_domain_speaks_for_is_told_once(ledger: Ledger, news: News) -> None:
    news.report(ResultStatus.FAILED, run_id="run-1")
    with ledger.write() as connection:
        begin_job_trouble(connection, "trakt_to_bangumi", "alice", "run-1")
        begin_job_trouble(connection, "maintenance", "", "run-2")
        begin_job_trouble(connection, "maintenance", "", "run-3")
    assert news.told() == ["failures: maintenance failed", "failures: bangumi alice failed"]


def test_what_was_told_long_ago_is_removed_but_not_what_is_still_wrong(
    ledger: Ledger, news: News
) -> None:
    def removed() -> int:
        with ledger.write() as connection:
            return remove_told(connection, utc_now() + timedelta(days=1))

    news.report(ResultStatus.FAILED)
    news.look()
    assert removed() == 0
    news.told()
    assert removed() == 0
    assert news.told() == []
    news.report(ResultStatus.OK)
    assert news.told() == ["failures: bangumi alice works again"]
    assert removed() == 2
    news.report(ResultStatus.FAILED)
    assert news.told() == ["failures: bangumi alice failed"]
