"""Ask Dagster's webserver by its own API, GraphQL; it may be down, slow or new."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ops.services import LOCATION_NAME, Endpoint
from sync_assets.settings import Settings

REPOSITORY = {"repositoryLocationName": LOCATION_NAME, "repositoryName": "__repository__"}
"""The selector of this project's definitions."""

UNAVAILABLE = (OSError, http.client.HTTPException, ValueError)
"""What asking raises where the webserver is down, or is something else."""

_TIMEOUT_SECONDS = 5.0
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PipelineNotFoundError { message }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""


class LaunchError(SyncError):
    """The webserver did not do what it was asked for."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Dagster did not do what it was asked for: {reason}.",
            remedy="See whether Dagster's webserver runs; scripts/run starts it.",
        )


def tags_as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the form that the webserver takes."""
    return [{"key": key, "value": value} for key, value in tags.items()]


class DagsterClient:
    """Asks the webserver; each question has a connection of its own.

    Args:
        settings: The configuration, which says where the webserver is.
    """

    timeout_seconds = _TIMEOUT_SECONDS

    def __init__(self, settings: Settings) -> None:
        self.endpoint = Endpoint(str(settings.dagster.host), settings.dagster.port)

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of an answer.

        Args:
            query: What is asked, in GraphQL.
            **variables: Its variables.

        Raises:
            LaunchError: The webserver cannot answer this.
            OSError: It cannot be reached.
            http.client.HTTPException: It speaks something else.
            ValueError: It answers something else.
        """
        host, _, port = self.endpoint.url.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(
            host.strip("[]"), int(port), timeout=_TIMEOUT_SECONDS
        )
        try:
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if not isinstance(answer, dict) or answer.get("errors") or "data" not in answer:
            message = f"it answered {str(answer)[:300]}"
            raise LaunchError(message)
        return answer["data"]

    def launch(self, job_name: str, tags: Mapping[str, str]) -> str | None:
        """Start a run.

        Args:
            job_name: Of which job.
            tags: The run's tags.

        Returns:
            The run's id, where the webserver says it.

        Raises:
            LaunchError: The run was not started.
        """
        params = {
            "selector": {**REPOSITORY, "jobName": job_name},
            "executionMetadata": {"tags": tags_as_list(tags)},
        }
        answer = self.ask(_LAUNCH, params=params)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            message = f"{answer['__typename']}: {answer.get('message', '')}"
            raise LaunchError(message)
        return answer.get("run", {}).get("runId")
