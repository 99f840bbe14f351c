"""Run chaos: `scripts/chaos relay --seeds 1-20`; exits with 1 where anything is not right."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sync_assets_tests.chaos import relay
from sync_assets_tests.chaos.plan import Size

SHORT = Size(downloads=6, disturbances=8)


def seeds_of(text: str) -> Sequence[int]:
    """Read seeds, such as `7`, `1-20` or `1-3,7`."""
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Kill everything at random moments, then look whether everything is right.",
    )
    parser.add_argument("name", choices=["relay"])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--seed", "--seeds", dest="seeds", type=seeds_of, help="one, or several: 7, 1-20 or 1-3,7"
    )
    parser.add_argument(
        "--downloads",
        type=int,
        default=80,
        help="files; each goes to two targets, so that there are twice as many uploads",
    )
    parser.add_argument("--disturbances", type=int, default=60, help="kills and faults")
    parser.add_argument("--short", action="store_true", help="a few downloads, in half a minute")
    parser.add_argument("--keep", type=Path, help="keep all files in this folder, by seed")
    options = parser.parse_args()
    size = SHORT if options.short else Size(options.downloads, options.disturbances)
    wrong = [seed for seed in options.seeds if not _run(seed, size, options.keep)]
    seeds = "1 seed" if len(options.seeds) == 1 else f"{len(options.seeds)} seeds"
    print(f"{seeds}, {len(wrong)} with violations {wrong or ''}".rstrip())
    return 1 if wrong else 0


def _run(seed: int, size: Size, keep: Path | None) -> bool:
    with tempfile.TemporaryDirectory(prefix="sync-chaos-") as temporary:
        directory = Path(temporary) if keep is None else keep / str(seed)
        directory.mkdir(parents=True, exist_ok=True)
        outcome = relay.run(directory, seed=seed, size=size)
    done = ", ".join(f"{what} {count}" for what, count in sorted(outcome.done.items()))
    print(
        f"seed {seed}: {outcome.downloads} of {size.downloads} downloads, {outcome.uploads} of "
        f"{2 * size.downloads} uploads; {outcome.setting}; {done}; {outcome.seconds:.0f} s; "
        f"{len(outcome.violations)} violations",
        flush=True,
    )
    for each in outcome.violations:
        print(f"  violated: {each}", flush=True)
    return not outcome.violations


if __name__ == "__main__":
    sys.exit(main())
