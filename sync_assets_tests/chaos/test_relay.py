"""A short chaos, as everybody can run it: longer ones with `scripts/chaos`."""

from pathlib import Path

from sync_assets_tests.chaos import relay
from sync_assets_tests.chaos.__main__ import SHORT


def test_a_short_chaos_leaves_everything_right(tmp_path: Path) -> None:
    outcome = relay.run(tmp_path, seed=1, size=SHORT)
    assert outcome.violations == []
    assert outcome.done.total() == SHORT.disturbances
    assert outcome.done["server killed"] > 0
    assert (outcome.downloads, outcome.uploads) == (SHORT.downloads, 2 * SHORT.downloads)
