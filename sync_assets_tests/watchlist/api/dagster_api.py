"""Dagster's own GraphQL API over HTTP, on a job, partitions and a sensor of the expected names.

Runs stay queued: no daemon is there to start them.
"""

import asyncio
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dagster._core.test_utils import instance_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_graphql.schema import create_schema

from sync_assets.ops.services import LOCATION_NAME

DEFINITIONS = """
import dagster as dg
from sync_assets.watchlist.models import CHECK_JOB, CHECK_SENSOR, ITEM_PARTITIONS

@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name=ITEM_PARTITIONS))
def items(): ...

job = dg.define_asset_job(CHECK_JOB, selection=[items])

@dg.sensor(name=CHECK_SENSOR, job=job, minimum_interval_seconds=30,
           default_status=dg.DefaultSensorStatus.RUNNING)
def sensor(context): ...

defs = dg.Definitions(assets=[items], jobs=[job], sensors=[sensor])
"""


class DagsterApi:
    """The API, and the instance behind it.

    Args:
        context: The workspace.
    """

    def __init__(self, context: WorkspaceProcessContext) -> None:
        self.instance = context.instance
        schema = create_schema()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                result = asyncio.run(
                    schema.execute_async(
                        asked["query"],
                        context_value=context.create_request_context(),
                        variable_values=asked["variables"],
                    )
                )
                answer: dict[str, Any] = {"data": result.data}
                if result.errors:
                    answer["errors"] = [str(error) for error in result.errors]
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    def queued(self) -> list[dict[str, str]]:
        """Return the tags of the runs that were asked for, the oldest first."""
        return [dict(run.tags) for run in reversed(self.instance.get_runs())]


@contextmanager
def running_dagster_api(directory: Path) -> Generator[DagsterApi]:
    """Serve the API on a port of this machine.

    Args:
        directory: An empty directory.
    """
    path = directory / "definitions_of_the_test.py"
    path.write_text(DEFINITIONS, encoding="utf-8")
    target = PythonFileTarget(str(path), None, str(directory), LOCATION_NAME)
    coordinator = {"module": "dagster._core.run_coordinator", "class": "QueuedRunCoordinator"}
    with (
        instance_for_test(overrides={"run_coordinator": coordinator}) as instance,
        WorkspaceProcessContext(instance, target) as context,
    ):
        api = DagsterApi(context)
        thread = threading.Thread(target=api.http.serve_forever)
        thread.start()
        yield api
        api.http.shutdown()
        thread.join()
        api.http.server_close()
