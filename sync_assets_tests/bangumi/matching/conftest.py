"""Fixtures of the matching's tests."""

import pytest

from sync_assets_tests.bangumi.matching.building import Catalogue


@pytest.fixture
def catalogue(tmp_path):
    built = Catalogue(tmp_path / "index.sqlite")
    yield built
    built.close()
