"""A run is reported as gone exactly when its process is."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import dagster as dg
import psutil
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterRunStatus
from dagster._core.events import EngineEventData

from sync_assets.ops.reconcile import RunProcess, reconcile
from sync_assets_tests.ops.waiting import wait_until

NOW = datetime.now(UTC)

DEFINITIONS = """
import time
import dagster as dg

@dg.op
def wait():
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor)
def waiting():
    wait()

defs = dg.Definitions(jobs=[waiting])
"""


@dg.job
def empty():
    pass


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(
        str(tmp_path), {"telemetry": {"enabled": False}}
    ) as instance:
        yield instance


def start_run(instance: dg.DagsterInstance, process_id: int | None) -> str:
    run = instance.create_run_for_job(empty)
    report(instance, run.run_id, DagsterEventType.RUN_START)
    if process_id is not None:
        data = EngineEventData(metadata={"pid": dg.MetadataValue.text(str(process_id))})
        instance.report_engine_event("Started process", run, data)
    return run.run_id


def report(instance: dg.DagsterInstance, run_id: str, kind: DagsterEventType) -> None:
    event = DagsterEvent(event_type_value=kind.value, job_name=empty.name)
    instance.report_dagster_event(event, run_id)


def status(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def ended_process_id() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_whose_process_is_gone_has_failed(instance):
    run_id = start_run(instance, ended_process_id())
    assert reconcile(instance, NOW) == [run_id]
    assert status(instance, run_id) is DagsterRunStatus.FAILURE
    assert reconcile(instance, NOW) == []


def test_a_run_whose_process_lives_goes_on(instance):
    run_id = start_run(instance, os.getpid())
    assert reconcile(instance, NOW) == []
    assert status(instance, run_id) is DagsterRunStatus.STARTED


def test_a_run_that_was_being_canceled_is_canceled(instance):
    run_id = start_run(instance, ended_process_id())
    report(instance, run_id, DagsterEventType.RUN_CANCELING)
    assert reconcile(instance, NOW) == [run_id]
    assert status(instance, run_id) is DagsterRunStatus.CANCELED


def test_a_run_that_has_just_begun_gets_the_time_to_name_its_process(instance):
    run_id = start_run(instance, None)
    assert reconcile(instance, datetime.now(UTC)) == []
    assert reconcile(instance, datetime.now(UTC) + timedelta(minutes=1)) == [run_id]


def test_another_process_under_the_same_id_is_not_the_run():
    started = psutil.Process().create_time()
    assert RunProcess(os.getpid(), started + 1).is_alive()
    assert not RunProcess(os.getpid(), started - 3600).is_alive()


def test_a_process_that_nobody_has_waited_for_is_gone():
    process = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(
        lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "the end of a child"
    )
    assert not RunProcess(process.pid, NOW.timestamp()).is_alive()
    process.wait()


def test_a_run_from_the_shell_that_was_killed_has_failed(settings, tmp_path, new_home):
    new_home(settings)
    (tmp_path / "killed_definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    command = "-m dagster job execute -m killed_definitions -j waiting"
    process = subprocess.Popen(
        [sys.executable, *command.split()],
        cwd=tmp_path,
        env={**os.environ, "DAGSTER_HOME": str(settings.dagster_home)},
        stderr=subprocess.DEVNULL,
    )
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        step_start = DagsterEventType.STEP_START
        wait_until(
            lambda: [
                run
                for run in instance.get_runs()
                if list(instance.all_logs(run.run_id, of_type=step_start))
            ],
            "the start of the step",
        )
        assert reconcile(instance, datetime.now(UTC) + timedelta(hours=1)) == []
        process.kill()
        process.wait()
        (run_id,) = reconcile(instance, datetime.now(UTC))
        assert status(instance, run_id) is DagsterRunStatus.FAILURE
