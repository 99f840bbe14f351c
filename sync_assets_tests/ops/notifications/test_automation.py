"""The sensor: from a run that fails to its message, and from one that succeeds to the next."""

from collections.abc import Iterator

import dagster as dg
import pytest
from sqlalchemy import update

from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import notifications
from sync_assets.ledger.types import utc_now
from sync_assets.ops.notifications.automation import build_sensor
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.notification_receiver import NotificationReceiver


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = Ledger.open(settings.ledger_url)
    yield opened
    opened.close()


def run_job(instance: dg.DagsterInstance, *, fails: bool) -> dg.ExecuteInProcessResult:
    @dg.op
    def work() -> None:
        if fails:
            message = "out of luck"
            raise RuntimeError(message)

    @dg.job
    def maintenance() -> None:
        work()

    return maintenance.execute_in_process(instance=instance, raise_on_error=False)


def test_a_failed_run_is_told_and_so_is_the_next_that_succeeds(
    settings: Settings,
    ledger: Ledger,
    instance: dg.DagsterInstance,
    receiver: NotificationReceiver,
) -> None:
    failed = run_job(instance, fails=True)
    failure_sensor = build_defs(settings).resolve_sensor_def("failed_runs_sensor")
    event = next(each for each in failed.all_events if each.is_run_failure)
    context = dg.build_run_status_sensor_context(
        failure_sensor.name, event, instance, failed.dagster_run
    )
    failure_sensor(context.for_run_failure())

    sensor = build_sensor(settings)

    def look() -> list[str]:
        sensor.evaluate_tick(dg.build_sensor_context(instance, resources={"ledger": ledger}))
        with ledger.write() as connection:
            # Long ago, as far as the interval between two messages goes.
            connection.execute(
                update(notifications).values(changed_at=utc_now().replace(year=2020))
            )
        return [message["title"] for message in receiver.messages]

    assert look() == ["maintenance failed"]
    assert look() == ["maintenance failed"]
    run_job(instance, fails=False)
    assert look() == ["maintenance failed", "maintenance works again"]


def test_there_is_a_sensor_only_where_there_is_an_address(settings: Settings) -> None:
    def sensors(of: Settings) -> set[str]:
        return {each.name for each in build_defs(of).get_repository_def().sensor_defs}

    silent = settings.model_copy(update={"notifications": Settings().notifications})
    assert sensors(settings) - sensors(silent) == {"notifications_sensor"}
