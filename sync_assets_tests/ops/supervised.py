"""Run a supervisor as a program: `python -m … DIRECTORY JSON`, for tests that end it by signals."""

import asyncio
import json
import sys
from pathlib import Path

from sync_assets.commands.entry import run_command
from sync_assets.ops.supervisor import Output, Service, Supervisor, Timing


def main() -> int:
    directory, services, timing = Path(sys.argv[1]), *json.loads(sys.argv[2])
    supervisor = Supervisor(
        [Service(**service) for service in services],
        Output(directory, lambda line: print(line, flush=True)),
        Timing(**timing),
    )
    asyncio.run(supervisor.run(lambda: print("ready", flush=True)))
    return 0


if __name__ == "__main__":
    run_command(main)
