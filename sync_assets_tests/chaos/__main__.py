"""Run one chaos: `scripts/chaos relay --seed N`; exits with 1 where anything is not right."""

import argparse
import sys
import tempfile
from pathlib import Path

from sync_assets_tests.chaos import relay

SHORT = relay.Size(downloads=4, disturbances=8)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Kill everything at random moments, then look whether everything is right.",
    )
    parser.add_argument("name", choices=["relay"])
    parser.add_argument("--seed", type=int, required=True, help="the same one does the same")
    parser.add_argument("--downloads", type=int, default=80, help="each goes to two targets")
    parser.add_argument("--disturbances", type=int, default=60, help="kills and faults")
    parser.add_argument("--short", action="store_true", help="a few downloads, in half a minute")
    options = parser.parse_args()
    size = SHORT if options.short else relay.Size(options.downloads, options.disturbances)
    with tempfile.TemporaryDirectory(prefix="sync-chaos-") as directory:
        outcome = relay.run(Path(directory), seed=options.seed, size=size)
    done = ", ".join(f"{what} {count} times" for what, count in sorted(outcome.done.items()))
    print(
        f"seed {options.seed}: {size.downloads} downloads, {2 * size.downloads} uploads; {done}; "
        f"{outcome.seconds:.0f} s"
    )
    for each in outcome.violations:
        print(f"violated: {each}")
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
