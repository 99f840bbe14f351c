"""Each check of a chaos can fail: whatever is planted here is found."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from sync_assets import relay
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.schema import relay_media
from sync_assets.ledger.secrets import KEY_FILE_NAME
from sync_assets.relay import downloads
from sync_assets_tests.chaos.__main__ import seeds_of
from sync_assets_tests.chaos.disturbances import SERVER_KILLED, Disturbances
from sync_assets_tests.chaos.history import every_change_has_one_legal_event
from sync_assets_tests.chaos.intake import Intake, Orders
from sync_assets_tests.chaos.plan import Size, Way, plan
from sync_assets_tests.chaos.programs import aria2_state
from sync_assets_tests.chaos.secret_search import KEY, SecretSearch
from sync_assets_tests.chaos.stage import Stage
from sync_assets_tests.chaos.watching import Watch
from sync_assets_tests.ops.waiting import wait_until

SECRET = "wonder land:ü"
SIZE = Size(downloads=40, disturbances=20)
# Updates come by a webhook, and aria2 is one that runs already.
SEED = "1 stage"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, random.Random(SEED)) as running:
        yield running


@pytest.fixture
def intake(stage: Stage) -> Intake:
    return Intake(stage, Orders(stage.server_url, "token"), [])


@pytest.fixture
def watch(stage: Stage, intake: Intake) -> Watch:
    return Watch(stage, intake, Orders(stage.server_url, "token"), [b"film"])


def test_the_seed_decides_everything(stage: Stage) -> None:
    first, again, other = (
        Disturbances(stage, random.Random(seed)).sequence(60) for seed in (1, 1, 2)
    )
    assert first == again != other
    rushes = [step for step, kind in enumerate(first) if kind == SERVER_KILLED]
    arrivals = plan(random.Random(1), SIZE, rushes)
    assert arrivals == plan(random.Random(1), SIZE, rushes)
    ways = [arrival.way for arrival in arrivals]
    assert [ways.count(way) for way in Way] == [20, 10, 10]
    assert seeds_of("1-3,7") == [1, 2, 3, 7]


@pytest.mark.parametrize("written", [SECRET, "wonder%20land%3A%C3%BC", "wonder land:\\u00fc"])
def test_a_secret_is_found_in_every_form(written: str) -> None:
    search = SecretSearch([("the password", SECRET)])
    assert list(search.found("a log", f"before {written} after".encode())) == [
        "no secret anywhere: a log holds the password"
    ]
    assert not search.names_in(b"nothing")
    assert not search.without("the password").names_in(written.encode())


def test_only_the_key_file_may_hold_the_key_and_only_for_its_owner(tmp_path: Path) -> None:
    search = SecretSearch([(KEY, "the key"), ("the password", SECRET)])
    key, log = tmp_path / KEY_FILE_NAME, tmp_path / "a.log"
    key.write_text("the key")
    key.chmod(0o600)
    assert list(search.found_in_home(tmp_path, at_rest=True)) == []
    key.chmod(0o644)
    assert len(list(search.found_in_home(tmp_path, at_rest=True))) == 1
    key.chmod(0o600)
    key.write_text(f"the key {SECRET}")
    log.write_text("the key")
    assert list(search.found_in_home(tmp_path, at_rest=True)) == [
        "no secret anywhere: home/a.log holds the home's key",
        f"no secret anywhere: home/{KEY_FILE_NAME} holds the password",
    ]


def test_a_change_without_an_event_and_one_that_is_not_allowed_are_found(
    sqlite_ledger: Ledger,
) -> None:
    with sqlite_ledger.write() as connection:
        wanted = relay.enqueue(connection, source="test", link="http://host/a.mkv")
    assert list(every_change_has_one_legal_event(sqlite_ledger)) == []
    subject = str(wanted.media_id)
    with sqlite_ledger.write() as connection:
        connection.execute(update(relay_media).values(state="failed"))
    (found,) = every_change_has_one_legal_event(sqlite_ledger)
    assert found.startswith("one event for every change: relay_medium")
    with sqlite_ledger.write() as connection:
        illegal = Event("relay_medium", subject, state="relayed", previous_state="arrived")
        append_events(connection, [illegal])
    found, *_ = every_change_has_one_legal_event(sqlite_ledger)
    assert found.startswith("transitions along allowed edges: relay_medium")


def test_what_is_published_broken_or_written_again_is_found(stage: Stage, watch: Watch) -> None:
    path = stage.clouds.files["onedrive"] / "film.mkv"
    path.write_bytes(b"film")
    assert list(watch.look()) == []
    path.write_bytes(b"fil")
    broken, again = watch.look()
    assert broken.startswith("nothing is published broken: onedrive")
    assert again.startswith("no bytes uploaded twice to a final name: onedrive")
    stage.cloud.written["PUT", "/film.mkv"] = 1
    *_, found = watch.look()
    assert found.startswith("no bytes uploaded twice to a final name: PUT")


def test_an_acknowledged_update_that_is_not_stored_is_found(intake: Intake, watch: Watch) -> None:
    intake.updates.append(7)
    assert list(watch.look()) == [
        "every acknowledged event is in the inbox: update 7 is not",
    ]


def test_a_completed_download_without_its_file_is_found(stage: Stage, watch: Watch) -> None:
    with stage.ledger.write() as connection:
        wanted = relay.enqueue(connection, source="test", link="http://host/a.mkv")
        row = downloads.get(connection, wanted.download_id)
        path = stage.settings.relay.download_directory / "a.mkv"
        finished = downloads.Finished(row, str(path), 4, "sha-256=0")
        downloads.complete(connection, [finished], run_id=None)
    (found,) = watch.look()
    assert found.startswith("complete means that the file is there")


def test_a_task_of_nobody_is_found(stage: Stage, watch: Watch) -> None:
    assert stage.own_aria2 is not None
    stage.own_aria2.require()

    def is_up() -> bool:
        client = stage.aria2()
        assert client is not None
        return bool(aria2_state(client).told)

    wait_until(is_up, "aria2 answers")
    client = stage.aria2()
    assert client is not None
    client.call("aria2.addUri", ["http://127.0.0.1:1/a"], {"gid": "0123456789abcdef"})
    client.close()
    (found,) = watch.look()
    assert found.startswith("no orphan task of aria2: the ledger does not know")
