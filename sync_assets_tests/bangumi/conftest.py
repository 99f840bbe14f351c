"""Fixtures of the tests of the reports."""

import pytest

from sync_assets_tests.bangumi.building import Account
from sync_assets_tests.upstreams.bangumi import BangumiServer


@pytest.fixture
def server():
    """Bangumi; whatever it is asked must be in its description."""
    with BangumiServer() as running:
        yield running
    assert running.violations == []


@pytest.fixture
def account(server, sqlite_ledger, tmp_path):
    """An account on SQLite."""
    return Account(server, sqlite_ledger, tmp_path)


@pytest.fixture
def any_account(server, ledger, tmp_path):
    """An account, once on each kind of ledger."""
    return Account(server, ledger, tmp_path)


@pytest.fixture
def with_policy(server, sqlite_ledger, tmp_path):
    """Make an account with another policy."""

    def make(**policy):
        return Account(server, sqlite_ledger, tmp_path, **policy)

    return make
