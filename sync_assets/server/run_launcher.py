"""Start the run that deals with new events at once, by the webserver's own API.

Only to be faster: a sensor starts whatever was missed. The webserver may be down, slow or new; it
is asked beside the requests, and a failure is logged once.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence

from sync_assets.launching import ActiveRun, EventJob, WantedRun, wanted_run
from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger.inbox import waiting
from sync_assets.server.dagster_client import (
    UNAVAILABLE,
    DagsterClient,
    LaunchError,
    tags_as_list,
)
from sync_assets.settings import Settings

SETTLE_SECONDS = 0.05
"""Events that come together become one run."""

PAUSE_SECONDS = 1.0
"""Between two questions to the webserver, however many events come."""

_ACTIVE = """
query Active($filter: RunsFilter!) {
  active: runsOrError(filter: $filter) {
    __typename ... on Runs { results { runId status } } ... on PythonError { message }
  }
}
"""
_SAME = """
query Same($filter: RunsFilter!) {
  same: runsOrError(filter: $filter, limit: 1) { __typename ... on Runs { results { runId } } }
}
"""

logger = logging.getLogger(__name__)


class RunLauncher:
    """Starts runs of event jobs; to be made inside a running event loop.

    Args:
        settings: The configuration, which says where the webserver is.
        ledger: The ledger.
        jobs: What may have to be started.
    """

    def __init__(self, settings: Settings, ledger: Ledger, jobs: Sequence[EventJob]) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._dagster = DagsterClient(settings)
        self._news = asyncio.Event()
        self._works = True
        self._lock = threading.Lock()
        self._task = asyncio.create_task(self._work(), name="run-launcher")

    def notify(self, source: str) -> None:
        """Say that an event was stored; returns at once.

        Args:
            source: Whose event.
        """
        if any(source in job.sources for job in self._jobs):
            self._news.set()

    async def start(self, job_name: str, partition: str) -> bool:
        """Start a run of a job for one partition, as its "Launch run" in the UI does.

        Args:
            job_name: The job.
            partition: The partition's key.

        Returns:
            False where such a run waits to begin already, which will see all that is there now.

        Raises:
            LaunchError: The webserver cannot be asked, or did not start it.
        """
        try:
            return await asyncio.to_thread(self._start, job_name, partition)
        except UNAVAILABLE as error:
            reason = f"the webserver at {self._dagster.endpoint.url} does not answer ({error})"
            raise LaunchError(reason) from error

    async def close(self) -> None:
        """Stop, after what is just being asked; the sensor does the rest."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        # A thread cannot be cancelled, and the ledger must not be closed under it.
        await asyncio.to_thread(self._lock.acquire, timeout=DagsterClient.timeout_seconds)

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._news.clear()
            try:
                await asyncio.to_thread(self._launch_wanted)
            except UNAVAILABLE as error:
                self._log_once(f"the webserver at {self._dagster.endpoint.url} did not: {error}")
            except (LaunchError, LedgerUnavailableError) as error:
                self._log_once(error.message)
            else:
                self._works = True
            await asyncio.sleep(PAUSE_SECONDS)

    def _launch_wanted(self) -> None:
        with self._lock:
            for job in self._jobs:
                with self._ledger.read() as connection:
                    is_waiting = waiting(connection, *job.sources) is not None
                if is_waiting:
                    self._launch(job)

    def _launch(self, job: EventJob) -> None:
        wanted = wanted_run(self._ledger, job, self._active_runs(job))
        if wanted is None or self._exists(job, wanted):
            return
        self._dagster.launch(job.name, _tags(job, wanted))
        logger.info("Started %s for %d event(s)", job.name, wanted.count)

    def _start(self, job_name: str, partition: str) -> bool:
        tags = {"dagster/partition": partition}
        queued = self._dagster.ask(
            _ACTIVE,
            filter={
                "pipelineName": job_name,
                "statuses": ["QUEUED", "STARTING"],
                "tags": tags_as_list(tags),
            },
        )
        if queued["active"].get("results"):
            return False
        self._dagster.launch(job_name, tags)
        logger.info("Started %s for %s", job_name, partition)
        return True

    def _active_runs(self, job: EventJob) -> list[ActiveRun]:
        statuses = ["QUEUED", "STARTING", "STARTED"]
        answer = self._dagster.ask(_ACTIVE, filter={"pipelineName": job.name, "statuses": statuses})
        return [
            ActiveRun(run["runId"], run["status"] == "STARTED")
            for run in answer["active"].get("results", ())
        ]

    def _exists(self, job: EventJob, wanted: WantedRun) -> bool:
        tags = tags_as_list(_tags(job, wanted))
        return bool(self._dagster.ask(_SAME, filter={"tags": tags})["same"].get("results"))

    def _log_once(self, problem: str) -> None:
        if self._works:
            logger.warning(
                "No run was started at once for new events: %s. They are stored, and a sensor "
                "starts the run as soon as Dagster works.",
                problem,
            )
        self._works = False


def _tags(job: EventJob, wanted: WantedRun) -> dict[str, str]:
    # Those of a run that the sensor starts, by which either sees what the other has done.
    return {"dagster/run_key": wanted.run_key, "dagster/sensor_name": job.sensor_name}
