"""A receiver, and settings that lead to it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_assets.settings import Settings
from sync_assets_tests.upstreams.notification_receiver import NotificationReceiver


@pytest.fixture
def receiver() -> Iterator[NotificationReceiver]:
    with NotificationReceiver() as running:
        yield running


@pytest.fixture
def settings_with(tmp_path: Path, receiver: NotificationReceiver) -> Callable[..., Settings]:
    """Make settings with one account of Bangumi, and further fields of the notifications."""

    def make(**notifications: Any) -> Settings:
        return Settings.model_validate(
            {
                "home": tmp_path,
                "bangumi": {"accounts": {"alice": {"access_token": "a-secret-token"}}},
                "notifications": {"urls": [receiver.apprise_url], **notifications},
            }
        )

    return make


@pytest.fixture
def settings(settings_with: Callable[..., Settings]) -> Settings:
    return settings_with()
