"""Run one benchmark: `scripts/benchmark NAME [--json]`."""

import argparse
import sys
from collections.abc import Callable, Mapping

from sync_assets_tests.benchmarks import (
    bangumi,
    live,
    matching,
    pixiv,
    relay,
    server,
    start,
    strm,
    strm_local,
    strm_memory,
    telegram,
    watchlist,
)

BENCHMARKS: Mapping[str, Callable[[bool], int]] = {
    "bangumi": bangumi.run,
    "live": live.run,
    "matching": matching.run,
    "pixiv": pixiv.run,
    "relay": relay.run,
    "relay-small": relay.run_small,
    "server": server.run,
    "start": start.run,
    "strm": strm.run,
    "strm-local": strm_local.run,
    "strm-memory": strm_memory.run,
    "telegram": telegram.run,
    "watchlist": watchlist.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measure the product, and in the same call a baseline to compare it with.",
    )
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    return BENCHMARKS[arguments.name](arguments.json)


if __name__ == "__main__":
    sys.exit(main())
