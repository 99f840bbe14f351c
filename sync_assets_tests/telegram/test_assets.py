"""The asset of posts in Dagster: metadata, checks, results, metrics, the sensor."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.results import ResultStatus, read_results
from sync_assets.settings import Settings, load_settings
from sync_assets.telegram.posting import lease_name
from sync_assets_tests.telegram.works import queue_work, write_pages
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    def write(telegram: str) -> Settings:
        (tmp_path / "sync.toml").write_text(
            'home = "home"\n[pixiv.accounts.alice]\nuser_id = 1\nrefresh_token = "x"\n' + telegram
        )
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
        return load_settings()

    return write


@pytest.fixture
def settings(server: TelegramServer, configure: Callable[..., Settings]) -> Settings:
    return configure(
        f'[telegram]\nbot_token = "{TOKEN}"\nchat_ids = ["1"]\nbase_url = "{server.url}"\n'
        "timeout_seconds = 5\nmax_run_seconds = 20\nmax_attempts = 1\n"
    )


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = Ledger.open(settings.ledger_url)
    yield opened
    opened.close()


def execute(settings: Settings) -> dg.ExecuteInProcessResult:
    job = build_defs(settings).resolve_job_def("telegram_posts")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance, partition_key="alice", raise_on_error=False
        )


def metadata(result: dg.ExecuteInProcessResult) -> dict:
    (event,) = result.asset_materializations_for_node("telegram__posts")
    return {name: value.value for name, value in event.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


def test_the_numbers_are_in_the_metadata_and_in_health(
    settings: Settings, ledger: Ledger, tmp_path: Path
) -> None:
    queue_work(ledger, write_pages(tmp_path, "100", 2))
    result = execute(settings)
    assert result.success
    numbers = metadata(result)
    expected = {"sent": 2, "requests": 1, "tg_sent": 2, "tg_queue": 0, "tg_retries": 0}
    assert numbers | expected == numbers
    assert checks(result) == {
        "no_unknown_posts": True,
        "no_duplicate_posts": True,
        "chats_take_posts": True,
    }
    health = json.loads((settings.home / "health.json").read_text())["domains"]["telegram"]
    assert health["status"] == "ok"
    (partition,) = health["partitions"]
    assert partition["added"] == 2
    assert partition["metrics"]["tg_sent"] == 2
    assert partition["metrics"]["tg_last_sent"].startswith("20")


def test_an_unknown_post_fails_its_check_with_what_to_do(
    settings: Settings, ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    server.fail("cut", chat_id="1")
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    result = execute(settings)
    assert result.success
    (evaluation,) = [each for each in result.get_asset_check_evaluations() if not each.passed]
    assert evaluation.check_name == "no_unknown_posts"
    assert "https://www.pixiv.net/artworks/100" in str(evaluation.metadata["posts"].value)
    with ledger.read() as connection:
        (last,) = read_results(connection)
    assert (last.status, last.failed) == (ResultStatus.DEGRADED, 1)


def test_a_post_that_was_sent_again_by_policy_is_shown_as_a_possible_duplicate(
    settings: Settings,
    configure: Callable[..., Settings],
    ledger: Ledger,
    server: TelegramServer,
    tmp_path: Path,
) -> None:
    text = (tmp_path / "sync.toml").read_text().partition("[telegram]\n")[2]
    settings = configure(
        '[telegram]\non_unknown = "resend"\n' + text.replace("max_attempts = 1", "max_attempts = 3")
    )
    server.fail("cut", chat_id="1")
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    execute(settings)
    assert checks(execute(settings))["no_duplicate_posts"] is False


def test_a_chat_that_takes_nothing_is_shown(
    settings: Settings, ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    server.chats.clear()
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    result = execute(settings)
    assert result.success
    assert checks(result)["chats_take_posts"] is False
    assert "hat not found" in str(metadata(result)["chats"])
    with ledger.read() as connection:
        (last,) = read_results(connection)
    assert last.status is ResultStatus.FAILED


def test_a_revoked_bot_fails_the_run_with_what_to_do(
    settings: Settings, ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    server.tokens.clear()
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    result = execute(settings)
    assert not result.success
    with ledger.read() as connection:
        (last,) = read_results(connection)
    assert last.status is ResultStatus.FAILED
    # Or it would start a run that fails every minute.
    assert sensor_runs(settings, ledger) == []
    server.tokens.add(TOKEN)
    assert execute(settings).success
    assert len(server.messages) == 1
    failure = str(result.failure_data_for_node("telegram__posts"))
    assert "Connect again" in failure
    assert TOKEN not in failure


def test_a_run_leaves_the_posts_to_another_one_that_sends_them(
    settings: Settings, ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    with hold_lease(ledger, lease_name("alice"), purpose="another run"):
        assert sensor_runs(settings, ledger) == []
        result = execute(settings)
    assert result.success
    assert "another run" in metadata(result)["left_to"]
    assert server.messages == []


def sensor_runs(settings: Settings, ledger: Ledger) -> list[str | None]:
    definitions = build_defs(settings)
    sensor = definitions.resolve_sensor_def("telegram_posts_sensor")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(
            instance=instance,
            resources={"ledger": ledger},
            repository_def=definitions.get_repository_def(),
        )
        data = sensor.evaluate_tick(context)
    return [request.partition_key for request in data.run_requests or []]


def test_the_sensor_starts_a_run_where_posts_are_due(
    settings: Settings, ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    assert sensor_runs(settings, ledger) == []
    queue_work(ledger, write_pages(tmp_path, "100", 1))
    assert sensor_runs(settings, ledger) == ["alice"]
    server.fail("error", chat_id="1", text="429 Too Many Requests", retry_after=900)
    execute(settings)
    assert sensor_runs(settings, ledger) == []


def test_without_a_bot_the_asset_is_there_and_says_so(
    configure: Callable[..., Settings],
) -> None:
    settings = configure("")
    definitions = build_defs(settings)
    (spec,) = [
        each
        for each in definitions.resolve_all_asset_specs()
        if each.key == dg.AssetKey(["telegram", "posts"])
    ]
    assert "Not configured" in (spec.description or "")
    repository = definitions.get_repository_def()
    assert "telegram_posts_sensor" not in {each.name for each in repository.sensor_defs}
    round_nodes = definitions.resolve_job_def("pixiv_sync").graph.node_dict
    assert "telegram__posts" not in round_nodes
    result = execute(settings)
    assert not result.success
    assert "telegram.bot_token" in str(result.failure_data_for_node("telegram__posts"))


def test_a_round_of_pixiv_ends_with_the_posts(settings: Settings) -> None:
    round_nodes = build_defs(settings).resolve_job_def("pixiv_sync").graph.node_dict
    assert "telegram__posts" in round_nodes
