"""What the tests of the watchlist share."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("SYNC_SHARED_DATA") or Path(__file__).parents[3] / "shared/data")


@pytest.fixture
def shared_data() -> Path:
    """Recorded pages and labelled names beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded data in {SHARED_DATA}")
    return SHARED_DATA
