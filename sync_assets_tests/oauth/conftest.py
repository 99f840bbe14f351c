"""A running stand-in, and a key."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet

from sync_assets_tests.support.trakt import running_trakt
from sync_assets_tests.upstreams.trakt import TraktUpstream


@pytest.fixture
def upstream() -> Iterator[TraktUpstream]:
    with running_trakt() as running:
        yield running


@pytest.fixture
def key() -> bytes:
    return Fernet.generate_key()
