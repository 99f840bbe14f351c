"""Start checks at once, by Dagster's webserver.

The intent is in the ledger, so that a sensor starts what was missed. A check of an item that is
under way is joined: asking again gives the same run.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from sync_assets.ledger import Ledger
from sync_assets.server.dagster_client import REPOSITORY, UNAVAILABLE, DagsterClient, LaunchError
from sync_assets.watchlist.models import CHECK_JOB, ITEM_PARTITIONS
from sync_assets.watchlist.store import checks_log

MOST_RUNS = 8
"""With so many unfinished ones, what is wanted is checked by one run of all that is due."""

_PARTITION = "dagster/partition"
_NOT_STARTED = frozenset({"QUEUED", "NOT_STARTED", "STARTING"})
_UNFINISHED = [*sorted(_NOT_STARTED), "STARTED"]
_ACTIVE = """
query Active($filter: RunsFilter!) {
  active: runsOrError(filter: $filter) {
    __typename
    ... on Runs { results { runId status tags { key value } } }
    ... on PythonError { message }
  }
}
"""
_ADD_PARTITION = """
mutation Add($repository: RepositorySelector!, $name: String!, $key: String!) {
  addDynamicPartition(
    repositorySelector: $repository, partitionsDefName: $name, partitionKey: $key
  ) {
    __typename
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""
_PARTITION_EXISTS = frozenset({"AddDynamicPartitionSuccess", "DuplicateDynamicPartitionError"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StartedCheck:
    """What became of the wish for a check.

    Attributes:
        run_id: The run that checks; None where Dagster could not be asked now.
        is_joined: Whether the run was there already.
    """

    run_id: str | None
    is_joined: bool = False


@dataclass(frozen=True)
class _Run:
    run_id: str
    has_started: bool
    tags: Mapping[str, str]


class CheckLauncher:
    """Starts runs that check items.

    Args:
        ledger: The ledger, which knows the checks that are under way.
        dagster: Asks the webserver.
    """

    def __init__(self, ledger: Ledger, dagster: DagsterClient) -> None:
        self._ledger = ledger
        self._dagster = dagster
        # Two requests for one item must not both find that no run is there.
        self._lock = threading.Lock()

    def check_item(self, item_id: int) -> StartedCheck:
        """Start the check of an item, or join the one that is under way.

        Args:
            item_id: The item.
        """
        with self._lock:
            return self._try(lambda: self._check_item(item_id))

    def check_due(self) -> StartedCheck:
        """Start a check of all that is due, or join the one that is going to look."""
        with self._lock:
            return self._try(lambda: self._check_all_due(self._active_runs()))

    def _check_item(self, item_id: int) -> StartedCheck:
        with self._ledger.read() as connection:
            open_run = _open_run(connection, item_id)
        runs = self._active_runs()
        for run in runs:
            if run.tags.get(_PARTITION) == str(item_id) or run.run_id == open_run:
                return StartedCheck(run.run_id, is_joined=True)
        if len(runs) >= MOST_RUNS:
            return self._check_all_due(runs)
        self._add_partition(str(item_id))
        return StartedCheck(self._dagster.launch(CHECK_JOB, {_PARTITION: str(item_id)}))

    def _check_all_due(self, runs: Sequence[_Run]) -> StartedCheck:
        for run in runs:
            # One that has started may be past its last look at what is due.
            if _PARTITION not in run.tags and not run.has_started:
                return StartedCheck(run.run_id, is_joined=True)
        return StartedCheck(self._dagster.launch(CHECK_JOB, {}))

    def _try(self, start: Callable[[], StartedCheck]) -> StartedCheck:
        try:
            return start()
        except (*UNAVAILABLE, LaunchError) as error:
            logger.warning(
                "No check was started at once: %s did not: %s. It is due, and the sensor starts it "
                "as soon as Dagster works.",
                self._dagster.endpoint.url,
                error,
            )
            return StartedCheck(None)

    def _active_runs(self) -> Sequence[_Run]:
        wanted = {"pipelineName": CHECK_JOB, "statuses": _UNFINISHED}
        answer = self._dagster.ask(_ACTIVE, filter=wanted)["active"]
        return [
            _Run(
                run["runId"],
                run["status"] not in _NOT_STARTED,
                {tag["key"]: tag["value"] for tag in run["tags"]},
            )
            for run in answer.get("results", ())
        ]

    def _add_partition(self, key: str) -> None:
        answer = self._dagster.ask(
            _ADD_PARTITION, repository=REPOSITORY, name=ITEM_PARTITIONS, key=key
        )["addDynamicPartition"]
        if answer["__typename"] not in _PARTITION_EXISTS:
            message = f"{answer['__typename']}: {answer.get('message', '')}"
            raise LaunchError(message)


def _open_run(connection: Connection, item_id: int) -> str | None:
    for check in checks_log.of_item(connection, item_id, limit=1):
        if check.ended_at is None:
            return check.run_id
    return None
