"""The job from Trakt's tables to Bangumi, its checks, its schedule, and what `/health` says."""

import json
from datetime import UTC, datetime

import dagster as dg
import pytest

from sync_assets.commands import bangumi_undo
from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import read_budgets
from sync_assets.ops.notifications.outbox import read_waiting
from sync_assets.settings import load_settings
from sync_assets_tests.bangumi.matching.building import SHOW, Catalogue
from sync_assets_tests.bangumi.trakt_rows import (
    play,
    write_collection,
    write_history,
    write_ratings,
)
from sync_assets_tests.upstreams.bangumi import TOKEN, Entry, Fault

GRAPH_KEYS = ("matches", "plan", "reports")


@pytest.fixture
def configure(server, tmp_path, monkeypatch, new_home):
    """Write a configuration, a catalogue of one show, and its history."""
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))

    def write(*lines, accounts=("alice",), token=TOKEN, account_lines=()):
        text = ['home = "home"', "[bangumi]", f'base_url = "{server.url}"', *lines]
        for name in accounts:
            text += [f"[bangumi.accounts.{name}]", f'access_token = "{token}"', *account_lines]
        (tmp_path / "sync.toml").write_text("\n".join(text))
        settings = load_settings()
        new_home(settings)
        catalogue = Catalogue(settings.catalog_directory / "index.sqlite")
        catalogue.subject(1, "星の茶壺", episodes=12).link(
            "anime_lists", 1, SHOW, season=1, first=1
        )
        assert catalogue.index is not None
        catalogue.close()
        server.add_subject(1, 12)
        return settings

    return write


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def run(settings, instance, *, account="alice"):
    job = build_defs(settings).resolve_job_def("trakt_to_bangumi")
    result = job.execute_in_process(instance=instance, partition_key=account, raise_on_error=False)
    metadata = {}
    for name in GRAPH_KEYS:
        event = instance.get_latest_materialization_event(dg.AssetKey(["bangumi", name]))
        if event is not None:
            metadata[name] = {k: v.value for k, v in event.asset_materialization.metadata.items()}
    return result, metadata


def checks(result):
    return {
        each.check_name: each.passed
        for each in result.get_asset_check_evaluations()
        if each.asset_key.path[0] == "bangumi"
    }


def health(settings):
    report = json.loads((settings.home / "health.json").read_text())
    return report["domains"]["bangumi"]["status"]


def waiting(settings):
    """The notifications that wait to be told."""
    ledger = Ledger.open(settings.ledger_url)
    try:
        with ledger.read() as connection:
            return read_waiting(connection)
    finally:
        ledger.close()


def failure(result):
    (event, *_) = result.get_step_failure_events()
    return str(event.step_failure_data.user_failure_data.description)


def test_the_first_run_is_a_dry_run(configure, server, instance):
    settings = configure()
    write_history(settings.lake_directory, "alice", play(1, 1), play(2, 2))
    result, metadata = run(settings, instance)
    assert result.success
    assert metadata["plan"]["planned_marks"] == 2
    assert "星の茶壺" not in metadata["plan"]["plan"]
    assert "Star Kettle 1x01" in metadata["plan"]["plan"]
    assert (metadata["reports"]["dry_run"], metadata["reports"]["left_planned"]) == (1, 3)
    assert server.count("P* /v0/users/*") == 0
    assert health(settings) == "ok"


def test_what_was_watched_is_reported_and_the_checks_hold(configure, server, instance):
    settings = configure("dry_run = false")
    again = play(3, 2, watched_at=datetime(2026, 5, 2, tzinfo=UTC))
    other = play(4, 1, tmdb=999, trakt=99, title="Kitchen talk", genres=["Reality"])
    write_history(settings.lake_directory, "alice", play(1, 1), play(2, 2), again, other)
    result, metadata = run(settings, instance)
    assert result.success
    assert server.watched(1) == [1, 2]
    assert checks(result) == dict.fromkeys(
        ("match_rate", "no_low_confidence_marks", "second_run_plans_nothing"), True
    )
    matches = metadata["matches"]
    assert (matches["items"], matches["status_matched"], matches["status_not_anime"]) == (3, 2, 1)
    assert matches["match_rate"] == 1
    assert matches["method_episode_range"] == 2
    assert metadata["reports"]["marks"] == 2
    before = len(server.requests)
    result, metadata = run(settings, instance)
    assert result.success
    assert len(server.requests) == before
    assert [metadata[name]["requests"] for name in GRAPH_KEYS] == [0, 0, 0]


def test_what_is_rated_and_was_never_played_is_matched_and_rated(configure, server, instance):
    settings = configure('dry_run = false\nreporting.unplayed_ratings = "collected"')
    unknown = {"trakt": 77, "tmdb": 777, "title": "A Western"}
    plays = play(1, 1, **unknown, genres=["western"]), play(2, 1, season=0)
    write_history(settings.lake_directory, "alice", *plays)
    show = {"trakt": 10, "tmdb": 100, "title": "Star Kettle", "rating": 9}
    write_ratings(
        settings.lake_directory,
        "alice",
        {**show, "media_type": "season", "season": 1},
        {**show, "media_type": "season", "season": 0, "rating": 1},
        {**show, "media_type": "show", "rating": 5},
        {**unknown, "media_type": "show", "rating": 3},
    )
    result, metadata = run(settings, instance)
    assert result.success
    assert metadata["matches"]["status_matched"] == 1
    assert server.entries == {1: Entry(2, 9)}


def test_what_is_unsure_waits_for_review_with_its_candidates(configure, server, instance):
    settings = configure("dry_run = false")
    write_history(settings.lake_directory, "alice", play(1, 40))
    result, metadata = run(settings, instance)
    assert (metadata["matches"]["status_review"], metadata["matches"]["review_new"]) == (1, 1)
    assert "| Star Kettle 1x40 | 1 |" in metadata["matches"]["review"]
    assert not checks(result)["match_rate"]
    assert server.count("P* /v0/users/*") == 0
    _, metadata = run(settings, instance)
    assert metadata["matches"]["review_new"] == 0
    (told,) = waiting(settings)
    assert told.title == "bangumi alice: 1 new to review"


def test_your_own_rule_answers_the_review_and_the_episode_is_reported(configure, server, instance):
    settings = configure("dry_run = false")
    write_history(settings.lake_directory, "alice", play(1, 40))
    run(settings, instance)
    settings.overrides_path.write_text(
        "[[rule]]\ntmdb = 100\nseason = 1\nfirst = 40\nsubject = 1\noffset = -35\n"
    )
    run(settings, instance)
    assert server.watched(1) == [5]


def test_trakt_s_collection_is_matched_by_policy(configure, server, instance):
    settings = configure("dry_run = false", '[bangumi.reporting]\ncollection = "wish"')
    other = play(1, 1, tmdb=999, trakt=99, title="Kitchen talk", genres=["Reality"])
    write_history(settings.lake_directory, "alice", other)
    row = {"media_type": "episode", "trakt": 10, "tmdb": 100, "title": "Star Kettle"}
    write_collection(settings.lake_directory, "alice", {**row, "season": 1, "number": 2})
    run(settings, instance)
    assert server.entries == {1: Entry(1)}


def test_a_ban_fails_the_run_says_so_and_blocks_the_account(configure, server, instance):
    settings = configure("dry_run = false")
    write_history(settings.lake_directory, "alice", play(1, 1))
    server.faults.append(Fault("429", "GET /v0/me"))
    result, _ = run(settings, instance)
    assert not result.success
    assert "banned" in failure(result)
    assert health(settings) == "failed"
    before = len(server.requests)
    result, _ = run(settings, instance)
    assert not result.success
    assert len(server.requests) == before
    ledger = Ledger.open(settings.ledger_url)
    with ledger.read() as connection:
        (budget,) = read_budgets(connection)
    ledger.close()
    assert budget.name == "bangumi:alice"


def test_a_refused_report_makes_it_degraded(configure, server, instance):
    settings = configure("dry_run = false")
    write_history(settings.lake_directory, "alice", play(1, 1))
    server.faults.append(Fault("400", "POST /v0/users/*"))
    result, metadata = run(settings, instance)
    assert result.success
    assert metadata["reports"]["failed"] == 2
    assert health(settings) == "degraded"


def test_without_a_history_the_run_says_what_to_do(configure, instance):
    result, _ = run(configure(), instance)
    assert "Connect the account" in failure(result)


def test_without_a_token_the_run_says_where_to_get_one(configure, server, instance, tmp_path):
    settings = configure()
    path = tmp_path / "sync.toml"
    path.write_text(path.read_text().replace(f'access_token = "{TOKEN}"', ""))
    settings = load_settings()
    write_history(settings.lake_directory, "alice", play(1, 1))
    result, _ = run(settings, instance)
    assert "bangumi.accounts.alice.access_token" in failure(result)
    report = json.loads((settings.home / "health.json").read_text())
    (partition,) = report["domains"]["bangumi"]["partitions"]
    assert "scripts/connect bangumi alice" in partition["remedy"]
    assert server.requests == []


def test_the_token_is_in_no_log_and_no_metadata(configure, server, instance, caplog):
    settings = configure("dry_run = false", token="another-token")
    write_history(settings.lake_directory, "alice", play(1, 1))
    result, metadata = run(settings, instance)
    assert "another-token" not in failure(result) + str(metadata) + caplog.text


def test_a_paused_account_is_asked_and_sent_nothing(configure, server, instance):
    settings = configure("dry_run = false", account_lines=["paused = true"])
    result, metadata = run(settings, instance)
    assert result.success
    assert metadata["reports"]["paused"] == 1
    assert server.requests == []


def test_the_schedule_starts_a_run_for_each_account_that_is_not_paused(configure, tmp_path):
    configure(accounts=("alice", "bob"))
    path = tmp_path / "sync.toml"
    path.write_text(path.read_text() + "\npaused = true")
    definitions = build_defs(load_settings())
    schedule = definitions.resolve_schedule_def("trakt_to_bangumi_schedule")
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 5, 1, tzinfo=UTC),
        repository_def=definitions.get_repository_def(),
    )
    requests = schedule.evaluate_tick(context).run_requests
    assert [each.partition_key for each in requests or ()] == ["alice"]


def test_without_an_account_there_is_no_schedule(configure):
    schedules = build_defs(configure(accounts=())).get_repository_def().schedule_defs
    assert "trakt_to_bangumi_schedule" not in {each.name for each in schedules}


def test_undo_lists_first_and_takes_back_when_told(configure, server, instance, capsys):
    settings = configure("dry_run = false")
    write_history(settings.lake_directory, "alice", play(1, 1))
    result, _ = run(settings, instance)
    assert bangumi_undo.main([result.run_id]) == 0
    assert "2 changes. Nothing was taken back" in capsys.readouterr().out
    assert server.watched(1) == [1]
    assert bangumi_undo.main([result.run_id, "--apply"]) == 0
    assert "alice: 2 taken back, 0 left" in capsys.readouterr().out
    assert server.watched(1) == []
    assert bangumi_undo.main([result.run_id]) == 0
    assert "changed nothing" in capsys.readouterr().out
