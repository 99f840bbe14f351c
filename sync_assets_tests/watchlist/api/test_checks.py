"""Checks and the scheduler, through Dagster's own API; and what is said while it is down."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from sync_assets.ledger.types import utc_now
from sync_assets.server import check_launcher
from sync_assets.settings.models import DagsterSettings
from sync_assets.watchlist.models import CHECK_JOB, ITEM_PARTITIONS, CheckOutcome
from sync_assets.watchlist.store import checks_log, items, schedule
from sync_assets.watchlist.store.checks_log import CheckCounts
from sync_assets_tests.watchlist.api.dagster_api import DagsterApi, running_dagster_api

STATUS = "/api/watchlist/scheduler/status"


@pytest.fixture(scope="module")
def running_dagster(tmp_path_factory) -> Iterator[DagsterApi]:
    with running_dagster_api(tmp_path_factory.mktemp("dagster")) as api:
        yield api


@pytest.fixture
def dagster(running_dagster: DagsterApi, settings, app) -> DagsterApi:
    for run in running_dagster.instance.get_runs():
        running_dagster.instance.delete_run(run.run_id)
    return running_dagster


@pytest.fixture
def settings(settings, request):
    """The server asks the API where the test uses it."""
    if "dagster" not in request.fixturenames:
        return settings
    port = request.getfixturevalue("running_dagster").port
    return settings.model_copy(update={"dagster": DagsterSettings(port=port)})


def is_due(ledger, item: int) -> bool:
    with ledger.read() as connection:
        return item in [row.id for row in schedule.due(connection, limit=100)]


def make_checked(ledger, item: int) -> None:
    with ledger.write() as connection:
        schedule.checked(connection, item, CheckOutcome.OK)


def test_a_check_is_a_run_of_the_items_partition(client, alice, add, ledger, dagster):
    item = add()["id"]
    make_checked(ledger, item)
    assert not is_due(ledger, item)
    answer = client.post(f"/api/watchlist/{item}/check", headers=alice)
    assert answer.status_code == 202
    (run,) = dagster.instance.get_runs()
    assert answer.json() == {"run_id": run.run_id, "joined": False, "items": 1}
    assert (run.job_name, run.status) == (CHECK_JOB, DagsterRunStatus.QUEUED)
    assert run.tags["dagster/partition"] == str(item)
    assert dagster.instance.has_dynamic_partition(ITEM_PARTITIONS, str(item))
    assert is_due(ledger, item)


def test_two_checks_of_one_item_at_once_are_one(client, alice, add, dagster):
    item, other = add("a")["id"], add("b")["id"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda _: client.post(f"/api/watchlist/{item}/check", headers=alice).json(),
                range(4),
            )
        )
    assert len({answer["run_id"] for answer in answers}) == 1
    assert sorted(answer["joined"] for answer in answers) == [False, True, True, True]
    assert not client.post(f"/api/watchlist/{other}/check", headers=alice).json()["joined"]
    assert len(dagster.queued()) == 2


def test_a_check_within_a_run_of_many_items_is_joined(client, alice, add, ledger, dagster):
    item = add()["id"]
    everything = client.post("/api/watchlist/check-all", headers=alice).json()["run_id"]
    with ledger.write() as connection:
        checks_log.begin(connection, item, run_id=everything)
    answer = client.post(f"/api/watchlist/{item}/check", headers=alice).json()
    assert (answer["run_id"], answer["joined"]) == (everything, True)
    assert len(dagster.queued()) == 1


def test_many_wishes_at_once_become_one_run_of_all(client, alice, add, dagster, monkeypatch):
    monkeypatch.setattr(check_launcher, "MOST_RUNS", 2)
    ids = [add(f"show-{number}")["id"] for number in range(5)]
    answers = [client.post(f"/api/watchlist/{item}/check", headers=alice).json() for item in ids]
    assert [answer["joined"] for answer in answers] == [False, False, False, True, True]
    partitions = [tags.get("dagster/partition") for tags in dagster.queued()]
    assert partitions == [str(ids[0]), str(ids[1]), None]


def test_all_that_a_user_follows_is_checked_in_one_run(  # noqa: PLR0917 - fixtures
    client, alice, bob, add, ledger, dagster
):
    mine, paused = add("a")["id"], add("b", status="paused")["id"]
    theirs = add("c", headers=bob)["id"]
    for item in (mine, paused, theirs):
        make_checked(ledger, item)
    first = client.post("/api/watchlist/check-all", headers=alice)
    assert (first.status_code, first.json()["items"]) == (202, 1)
    assert [is_due(ledger, item) for item in (mine, paused, theirs)] == [True, False, False]
    again = client.post("/api/watchlist/check-all", headers=alice).json()
    assert (again["run_id"], again["joined"]) == (first.json()["run_id"], True)
    (tags,) = dagster.queued()
    assert "dagster/partition" not in tags


def test_nothing_is_started_for_who_follows_nothing(client, alice, dagster):
    answer = client.post("/api/watchlist/check-all", headers=alice).json()
    assert answer == {"run_id": None, "joined": False, "items": 0}
    assert not dagster.queued()


def test_a_paused_item_can_be_checked_by_hand_and_an_archived_one_not(client, alice, add, dagster):
    paused, archived = add("a", status="paused")["id"], add("b", status="archived")["id"]
    assert client.post(f"/api/watchlist/{paused}/check", headers=alice).status_code == 202
    refused = client.post(f"/api/watchlist/{archived}/check", headers=alice)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "archived")
    assert len(dagster.queued()) == 1


def test_while_dagster_is_down_what_is_wanted_stays_due(client, alice, add, ledger):
    item = add()["id"]
    make_checked(ledger, item)
    answer = client.post(f"/api/watchlist/{item}/check", headers=alice)
    assert (answer.status_code, answer.json()["run_id"]) == (202, None)
    assert is_due(ledger, item)
    assert client.post("/api/watchlist/check-all", headers=alice).status_code == 202


def test_an_items_checks_are_listed(client, alice, add, ledger):
    item = add()["id"]
    with ledger.write() as connection:
        check = checks_log.begin(connection, item, run_id="r")
        checks_log.end(connection, check, CheckOutcome.NO_DATA, CheckCounts(), message="No list.")
    (listed,) = client.get(f"/api/watchlist/{item}/checks", headers=alice).json()
    assert (listed["outcome"], listed["message"], listed["run_id"]) == ("no_data", "No list.", "r")


def test_the_scheduler_is_started_and_stopped_by_administrators(client, alice, admin, add, dagster):
    add()
    for _ in range(2):
        stopped = client.post("/api/watchlist/scheduler/stop", headers=admin)
        assert (stopped.status_code, stopped.json()["running"]) == (200, False)
        assert stopped.json()["next_run"] is None
    assert client.get(STATUS, headers=alice).json()["running"] is False
    for action in ("start", "stop"):
        refused = client.post(f"/api/watchlist/scheduler/{action}", headers=alice)
        assert refused.status_code == 403
    for _ in range(2):
        started = client.post("/api/watchlist/scheduler/start", headers=admin)
        assert (started.status_code, started.json()["running"]) == (200, True)
    assert (started.json()["sensor"], started.json()["tick_seconds"]) == ("watchlist_due", 30)
    assert dagster.instance.all_instigator_state()


@pytest.mark.usefixtures("dagster")
def test_the_next_run_is_when_the_users_first_item_is_due(  # noqa: PLR0917 - fixtures
    client, alice, bob, admin, add, ledger
):
    client.post("/api/watchlist/scheduler/start", headers=admin)
    item, theirs = add(check_interval_hours=10)["id"], add("b", headers=bob)["id"]
    now = utc_now()
    overdue = client.get(STATUS, headers=alice).json()["next_run"]
    assert now - timedelta(seconds=1) <= datetime.fromisoformat(overdue)
    assert datetime.fromisoformat(overdue) <= utc_now() + timedelta(seconds=60)
    for each in (item, theirs):
        make_checked(ledger, each)
    with ledger.read() as connection:
        due = {each: items.get(connection, each).next_check_at for each in (item, theirs)}
    for headers, expected in ((alice, due[item]), (bob, due[theirs]), (admin, due[theirs])):
        shown = client.get(STATUS, headers=headers).json()["next_run"]
        assert datetime.fromisoformat(shown).astimezone(UTC) == expected
    client.post(f"/api/watchlist/{item}/pause", headers=alice)
    assert client.get(STATUS, headers=alice).json()["next_run"] is None


def test_while_dagster_is_down_nobody_can_tell_whether_it_runs(client, alice, admin):
    assert client.get(STATUS, headers=alice).json()["running"] is None
    for action in ("start", "stop"):
        answer = client.post(f"/api/watchlist/scheduler/{action}", headers=admin)
        assert (answer.status_code, "scripts/run" in answer.text) == (503, True)
