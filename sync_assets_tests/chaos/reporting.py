"""What must be true of what Dagster is told: every event at least once, and no secret."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, select

from sync_assets.ledger.schema import events, relay_media
from sync_assets.relay.counting import count_day
from sync_assets_tests.chaos.secret_search import SecretSearch
from sync_assets_tests.chaos.stage import Stage

_RUN_SECONDS = 300.0
_ENTITIES = ("relay_medium", "relay_download", "relay_upload")


def every_event_is_materialized(stage: Stage, search: SecretSearch) -> Iterator[str]:
    """Let the job run once more, and say what it has not reported, or should not have.

    Nothing has been reported until then: whatever was done by workers that were killed.

    Args:
        stage: What has come to rest.
        search: The secrets.
    """
    home = stage.settings.home / "dagster"
    home.mkdir(exist_ok=True)
    # Without one, Dagster says on the terminal that it goes by its defaults.
    (home / "dagster.yaml").touch()
    module, job = "sync_assets.definitions", "relay_sync"
    run = stage.program(
        "dagster",
        *(sys.executable, "-m", "dagster", "job", "execute", "-m", module, "-j", job),
        DAGSTER_HOME=str(home),
    )
    if run.run(_RUN_SECONDS) != 0:
        yield "every event is materialized: the job has failed"
        return
    # Only for this: it takes a while to import.
    import dagster as dg  # noqa: PLC0415

    with stage.ledger.read() as connection:
        newest = connection.execute(
            select(func.max(events.c.id)).where(events.c.entity.in_(_ENTITIES))
        ).scalar_one()
        days = connection.execute(select(relay_media.c.day).distinct()).scalars().all()
        counts = {day: count_day(connection, day) for day in days}
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for name in ("media", "downloads", "uploads"):
            key = dg.AssetKey(["relay", name])
            for day in days:
                records = instance.fetch_materializations(
                    dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day]), limit=100
                ).records
                told = [_values(record.asset_materialization) for record in records]
                if not told or told[0]["ledger_event"] < newest:
                    yield f"every event is materialized: relay/{name} of {day} is not, or too early"
                elif (
                    name == "uploads"
                    and told[0]["files"] != counts[day].uploads.metadata()["files"]
                ):
                    yield f"every event is materialized: relay/{name} of {day} has other numbers"
                if len({each["ledger_event"] for each in told}) != len(told):
                    yield f"materializations are told apart by their event: not relay/{name}"
                yield from search.found(f"the metadata of relay/{name}", str(told).encode())


def _values(materialization: Any) -> Mapping[str, Any]:
    return {name: value.value for name, value in materialization.metadata.items()}
