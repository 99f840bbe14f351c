"""What waits is told as one message, not too often, again where nobody took it, and no secrets."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.ops.notifications import NotificationKind, notify
from sync_assets.ops.notifications.delivery import deliver
from sync_assets.settings import Settings
from sync_assets_tests.upstreams.notification_receiver import NotificationReceiver

REVIEW = NotificationKind.REVIEW


def after(**time: float) -> Callable[[], datetime]:
    return lambda: utc_now() + timedelta(**time)


def test_one_notification_is_a_message_of_its_own(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "alice/1", "2 new to review", "* Frieren 1x01\n* 謎の番組 1x02")
    assert deliver(ledger, settings) == 1
    (message,) = receiver.messages
    assert message["title"] == "2 new to review"
    assert message["message"] == "* Frieren 1x01\n* 謎の番組 1x02"
    assert message["type"] == "info"


def test_the_same_thing_is_told_once(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    for _ in range(2):
        notify(ledger, REVIEW, "alice/1", "2 new to review")
        deliver(ledger, settings, clock=after(minutes=5))
    assert len(receiver.messages) == 1


def test_what_happens_within_the_interval_goes_into_one_message(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "first", "the first")
    deliver(ledger, settings)
    for number in range(30):
        notify(ledger, REVIEW, f"more/{number}", f"number {number}")
        assert deliver(ledger, settings) == 0
    assert deliver(ledger, settings, clock=after(seconds=61)) == 30
    assert len(receiver.messages) == 2
    assert receiver.messages[1]["title"] == "sync_assets: 30 notifications"
    assert "number 19" in receiver.messages[1]["message"]
    assert "and 10 more" in receiver.messages[1]["message"]


def test_what_nobody_took_is_told_later_and_less_and_less_often(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "alice/1", "2 new to review")
    receiver.status = 500
    assert deliver(ledger, settings) == 0
    receiver.status = 200
    assert deliver(ledger, settings, clock=after(seconds=50)) == 0
    assert deliver(ledger, settings, clock=after(seconds=61)) == 1
    assert len(receiver.messages) == 1


def test_one_address_that_takes_it_is_enough(
    ledger: Ledger, settings_with, receiver: NotificationReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "nonsense://very-secret"
    settings = settings_with(urls=[wrong, receiver.apprise_url])
    notify(ledger, REVIEW, "alice/1", "2 new to review")
    assert deliver(ledger, settings) == 1
    assert deliver(ledger, settings, clock=after(minutes=5)) == 0
    assert len(receiver.messages) == 1
    assert "address 1 is no address that Apprise knows" in caplog.text
    assert "very-secret" not in caplog.text


def test_kinds_that_are_not_wanted_are_not_told(
    ledger: Ledger, settings_with, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "alice/1", "2 new to review")
    notify(ledger, NotificationKind.NEW_EPISODES, "item/1", "a new episode")
    assert deliver(ledger, settings_with(kinds=["new_episodes"])) == 1
    assert deliver(ledger, settings_with(), clock=after(minutes=5)) == 0
    assert [message["title"] for message in receiver.messages] == ["a new episode"]


def test_what_could_not_be_told_for_a_week_is_told_no_more(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "alice/1", "2 new to review")
    assert deliver(ledger, settings, clock=after(days=8)) == 0
    assert deliver(ledger, settings) == 0
    assert receiver.messages == []


def test_configured_secrets_are_not_told(
    ledger: Ledger, settings: Settings, receiver: NotificationReceiver
) -> None:
    notify(ledger, REVIEW, "alice/1", "about a-secret-token", "a-secret-token it is")
    deliver(ledger, settings)
    assert "a-secret-token" not in str(receiver.messages)


def test_a_ledger_that_cannot_be_written_fails_nothing(tmp_path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'missing' / 'ledger.db'}")
    notify(ledger, REVIEW, "alice/1", "2 new to review")
    ledger.close()


def test_addresses_are_secret_and_few(settings: Settings) -> None:
    assert "json://" not in repr(settings)
    with pytest.raises(ValidationError):
        Settings.model_validate({"notifications": {"urls": ["json://127.0.0.1"] * 11}})
