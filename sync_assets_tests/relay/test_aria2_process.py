"""A private aria2: it starts when it is wanted, and leaves nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_assets.ops.tools import TOOLS
from sync_assets.relay.aria2.process import Aria2Process
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.upstreams.origin import OriginServer


@pytest.fixture
def aria2(tmp_path: Path) -> Iterator[Aria2Process]:
    aria2 = Aria2Process(TOOLS["aria2c"].installed, tmp_path / "aria2", {})
    yield aria2
    aria2.stop()


def secret_files(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "aria2").glob("*.conf")]


@pytest.mark.parametrize("is_prepared", [False, True])
def test_it_answers_and_its_secret_is_not_kept(
    aria2: Aria2Process, tmp_path: Path, is_prepared: bool
) -> None:
    process_id = None
    if is_prepared:
        aria2.prepare()
        process_id = aria2.process_id
        assert process_id is not None
    assert "version" in aria2.client().call("aria2.getVersion")
    assert process_id in (None, aria2.process_id)
    aria2.prepare()
    assert aria2.client() is aria2.client()
    assert secret_files(tmp_path) == []


def test_one_that_was_prepared_and_not_wanted_leaves_nothing(
    aria2: Aria2Process, tmp_path: Path
) -> None:
    aria2.prepare()
    aria2.stop()
    assert aria2.process_id is None
    assert secret_files(tmp_path) == []


@pytest.mark.parametrize("waits", [False, True])
def test_one_that_ends_before_it_is_wanted_is_started_again(
    aria2: Aria2Process, waits: bool
) -> None:
    aria2.prepare()
    assert aria2._process is not None
    aria2._process.kill()
    if waits:
        aria2._process.wait()
    assert "version" in aria2.client().call("aria2.getVersion")


def test_one_that_cannot_be_started_leaves_no_secret(tmp_path: Path) -> None:
    aria2 = Aria2Process(tmp_path / "nothing", tmp_path / "aria2", {})
    with pytest.raises(FileNotFoundError):
        aria2.prepare()
    aria2.stop()
    assert secret_files(tmp_path) == []


def test_a_prepared_one_can_be_started_again(aria2: Aria2Process) -> None:
    aria2.prepare()
    process_id = aria2.process_id
    aria2.reconnect()
    assert aria2.process_id not in (None, process_id)


def test_it_is_prepared_only_where_something_is_to_be_downloaded(
    relay: Relay, origin: OriginServer
) -> None:
    with relay.worker() as worker:
        worker.prepare()
        assert relay.aria2.process_id is None
        relay.add(origin.add("/film.mkv", b"content"))
        worker.prepare()
        assert relay.aria2.process_id is not None
