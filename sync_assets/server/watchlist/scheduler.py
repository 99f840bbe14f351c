"""The scheduler: the Dagster sensor that starts what is due. Administrators start and stop it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from sync_assets.ledger.tokens import Scope
from sync_assets.ledger.types import utc_now
from sync_assets.server.context import context_of
from sync_assets.server.dagster_client import REPOSITORY, UNAVAILABLE, DagsterClient, LaunchError
from sync_assets.server.errors import ApiError
from sync_assets.server.watchlist.common import PREFIX, TAGS, Admin, User, errors, read
from sync_assets.watchlist.models import CHECK_SENSOR
from sync_assets.watchlist.store import schedule

logger = logging.getLogger(__name__)
router = APIRouter(prefix=f"{PREFIX}/scheduler", tags=TAGS)

_SELECTOR = {**REPOSITORY, "sensorName": CHECK_SENSOR}
_LOOK = """
query Scheduler($selector: SensorSelector!) {
  sensor: sensorOrError(sensorSelector: $selector) {
    __typename
    ... on Sensor {
      minIntervalSeconds
      sensorState { id status nextTick { timestamp } ticks(limit: 1) { timestamp } }
    }
    ... on SensorNotFoundError { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
_START = """
mutation Start($selector: SensorSelector!) {
  changed: startSensor(sensorSelector: $selector) {
    __typename
    ... on SensorNotFoundError { message }
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""
_STOP = """
mutation Stop($id: String!) {
  changed: stopSensor(id: $id) {
    __typename
    ... on UnauthorizedError { message }
    ... on PythonError { message }
  }
}
"""


class SchedulerUnavailableError(ApiError):
    """Dagster cannot be asked now."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "scheduler_unavailable"


class SchedulerAnswer(BaseModel):
    """Whether what is due is checked."""

    running: bool | None = Field(description="Null where Dagster cannot be asked now.")
    sensor: str = Field(default=CHECK_SENSOR, description="The Dagster sensor that it is.")
    tick_seconds: int | None = Field(description="How often it looks what is due, at least.")
    last_tick: datetime | None = Field(description="When it looked last.")
    next_run: datetime | None = Field(
        description="When the first item of yours is checked next: when it is due, and no sooner "
        "than the scheduler looks again. Null where nothing is followed, or it does not run."
    )


@router.get("/status", responses=errors())
async def scheduler_status(request: Request, user: User) -> SchedulerAnswer:
    """Tell whether the scheduler runs, and when something is checked next."""
    owner = None if user.scope is Scope.ADMIN else user.user
    due = await read(request, lambda connection: schedule.next_due(connection, owner))
    try:
        sensor = await asyncio.to_thread(_look, context_of(request).watchlist.dagster)
    except (*UNAVAILABLE, LaunchError) as error:
        logger.info("Dagster does not tell how %s is: %s", CHECK_SENSOR, error)
        return SchedulerAnswer(running=None, tick_seconds=None, last_tick=None, next_run=None)
    return _answer(sensor, due)


@router.post("/start", responses=errors())
async def start_scheduler(request: Request, user: Admin) -> SchedulerAnswer:
    """Let what is due be checked. Doing it again changes nothing. Administrators only."""
    await _change(request, _start)
    return await scheduler_status(request, user)


@router.post("/stop", responses=errors())
async def stop_scheduler(request: Request, user: Admin) -> SchedulerAnswer:
    """Check nothing by itself any more. Doing it again changes nothing. Administrators only."""
    await _change(request, _stop)
    return await scheduler_status(request, user)


async def _change(request: Request, change: Callable[[DagsterClient], None]) -> None:
    dagster = context_of(request).watchlist.dagster
    try:
        await asyncio.to_thread(change, dagster)
    except (*UNAVAILABLE, LaunchError) as error:
        raise SchedulerUnavailableError(
            f"Dagster did not do it: {error}.",
            remedy="Start it with scripts/run, then send the request again.",
        ) from error


def _start(dagster: DagsterClient) -> None:
    _require(dagster.ask(_START, selector=_SELECTOR)["changed"], "Sensor")


def _stop(dagster: DagsterClient) -> None:
    state = _look(dagster)["sensorState"]
    _require(dagster.ask(_STOP, id=state["id"])["changed"], "StopSensorMutationResult")


def _look(dagster: DagsterClient) -> Any:
    return _require(dagster.ask(_LOOK, selector=_SELECTOR)["sensor"], "Sensor")


def _require(answer: Any, wanted: str) -> Any:
    if answer["__typename"] != wanted:
        raise LaunchError(answer.get("message", answer["__typename"]))
    return answer


def _answer(sensor: Any, due: datetime | None) -> SchedulerAnswer:
    state = sensor["sensorState"]
    is_running = state["status"] == "RUNNING"
    ticks = [_moment(tick["timestamp"]) for tick in state["ticks"]]
    interval = timedelta(seconds=sensor["minIntervalSeconds"])
    next_tick = _moment(state["nextTick"]["timestamp"]) if state["nextTick"] else None
    if next_tick is None:
        next_tick = max(ticks[0] + interval, utc_now()) if ticks else utc_now()
    return SchedulerAnswer(
        running=is_running,
        tick_seconds=sensor["minIntervalSeconds"],
        last_tick=ticks[0] if ticks else None,
        next_run=max(due, next_tick) if is_running and due is not None else None,
    )


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
