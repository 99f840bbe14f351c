"""The asset `catalog/anime`, its schedule, and what `/health` says of it."""

import json

import dagster as dg
import pytest

from sync_assets.catalog.index import CatalogIndex
from sync_assets.definitions import build_defs
from sync_assets.settings import load_settings
from sync_assets_tests.catalog import samples


@pytest.fixture
def configure(tmp_path, monkeypatch, new_home):
    """Write a configuration whose sources are local files; missing ones are off."""
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))

    def write(*, enabled=True):
        lines = ['home = "home"', "[catalog]", f"enabled = {str(enabled).lower()}"]
        for name, content in samples.FILES.items():
            (tmp_path / name).write_bytes(content)
            lines += [f"[catalog.sources.{name}]", f'path = "{name}"']
        text = "\n".join(lines).replace('path = "rensetsu_movies"', "enabled = false")
        (tmp_path / "sync.toml").write_text(text)
        settings = load_settings()
        new_home(settings)
        return settings

    return write


def run(settings):
    job = build_defs(settings).resolve_job_def("catalog_refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        key = dg.AssetKey(["catalog", "anime"])
        event = instance.get_latest_materialization_event(key)
        materialized = event.asset_materialization if event else None
        metadata = materialized.metadata if materialized else {}
        return result, {name: each.value for name, each in metadata.items()}


def health(settings):
    report = json.loads((settings.home / "health.json").read_text())
    return report["domains"]["catalog"]


def test_the_job_writes_the_index_and_reports(configure):
    settings = configure()
    result, metadata = run(settings)
    assert result.success
    assert (metadata["subjects"], metadata["failed"]) == (4, 0)
    assert "| shinkro | 2 | new |" in metadata["sources"]
    index = CatalogIndex(settings.catalog_directory / "index.sqlite")
    assert len(index.provenance()) == 8
    index.close()
    assert health(settings)["status"] == "ok"


def test_a_broken_source_makes_it_degraded(configure, tmp_path):
    settings = configure()
    run(settings)
    (tmp_path / "shinkro").write_bytes(b"[")
    result, metadata = run(settings)
    assert result.success
    assert metadata["failed"] == 1
    assert "is not YAML" in metadata["sources"]
    assert health(settings)["status"] == "degraded"


def test_without_any_source_the_run_fails_with_what_to_do(configure, tmp_path):
    settings = configure()
    for name in samples.FILES:
        (tmp_path / name).unlink()
    result, _ = run(settings)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "Check the network" in str(failure.step_failure_data.user_failure_data.description)
    assert health(settings)["status"] == "failed"


def test_off_there_is_no_schedule_and_a_run_says_how_to_turn_it_on(configure):
    settings = configure(enabled=False)
    schedules = build_defs(settings).get_repository_def().schedule_defs
    assert "catalog_refresh_schedule" not in {each.name for each in schedules}
    result, _ = run(settings)
    (failure,) = result.get_step_failure_events()
    assert "catalog.enabled" in str(failure.step_failure_data.user_failure_data.description)


def test_on_it_runs_every_week(configure):
    schedules = build_defs(configure()).get_repository_def().schedule_defs
    assert {each.name: each.cron_schedule for each in schedules}["catalog_refresh_schedule"] == (
        "30 5 * * 4"
    )
