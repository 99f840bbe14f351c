"""Kill the sender at random moments, and count the messages."""

from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets_tests.telegram.killing import kill_rounds


def test_random_kills_lose_nothing_and_duplicate_nothing(ledger: Ledger, tmp_path: Path) -> None:
    outcome = kill_rounds(ledger, tmp_path, rounds=8, seed=4)
    assert outcome.kills == 8
    assert outcome.problems == []
    assert outcome.sent + outcome.unknown == outcome.posts
