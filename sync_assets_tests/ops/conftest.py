"""A home of its own for each test."""

import pytest

from sync_assets.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))
    return load_settings()
