"""Report the runs whose process is gone; `scripts/run` does this before each code server."""

from datetime import UTC, datetime

import dagster as dg

from sync_assets.commands.entry import run_command
from sync_assets.logs import configure_logging
from sync_assets.ops.reconcile import reconcile
from sync_assets.settings import load_settings


def main() -> int:
    """Reconcile the instance that `DAGSTER_HOME` names."""
    configure_logging(load_settings())
    with dg.DagsterInstance.get() as instance:
        for run_id in reconcile(instance, datetime.now(UTC)):
            print(f"run {run_id}: its process is gone")
    return 0


if __name__ == "__main__":
    run_command(main)
