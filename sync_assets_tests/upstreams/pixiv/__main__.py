"""The stand-in as a process of its own, for benchmarks and the demonstration.

`python -m sync_assets_tests.upstreams.pixiv DIRECTORY --works 1000` writes the authority's
certificate into the directory, prints one line of JSON with the variables that a client needs and
its own address, and answers until its standard input ends. `GET /requests` at that address says
how many requests there were.
"""

import argparse
import json
import sys
from pathlib import Path

from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work, make_works


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sync_assets_tests.upstreams.pixiv")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--works", type=int, default=20, help="how many plain works")
    parser.add_argument("--pictures", action="store_true", help="larger, coloured pictures")
    parser.add_argument("--ugoira", type=int, default=0, help="how many animations")
    arguments = parser.parse_args()
    with PixivStandIn() as server:
        size = (320, 240) if arguments.pictures else (8, 8)
        delays = (60, 80, 120, 200)
        server.public = [
            *(Work(100 + n, kind="ugoira", delays=delays) for n in range(arguments.ugoira)),
            *make_works(arguments.works, extension="png", size=size),
        ]
        environment = server.environment(arguments.directory)
        print(json.dumps({"url": server.url, "environment": environment}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
