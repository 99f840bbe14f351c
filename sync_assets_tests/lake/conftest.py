"""What the lake's tests share."""

import pytest

from sync_assets.lake import Lake


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")
