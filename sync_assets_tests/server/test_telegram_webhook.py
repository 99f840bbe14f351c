"""The webhook of Telegram: only with its secret, once each, and on disk before the answer."""

from pathlib import Path

import pytest
from sqlalchemy import select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import relay_media
from sync_assets.relay.receiving import take_in
from sync_assets.settings import Settings

PATH = "/api/v1/webhook/telegram"
SECRET = "a-secret-of-the-webhook"
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
UPDATE = {
    "update_id": 7,
    "message": {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 1, "type": "private"},
        "from": {"id": 42, "is_bot": False, "first_name": "Ann"},
        "document": {"file_id": "f", "file_unique_id": "u", "file_size": 1},
    },
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "home": tmp_path,
            "telegram": {"bot_token": "123456:token"},
            "relay": {
                "enabled": True,
                "receive": "webhook",
                "webhook_secret": SECRET,
                "allowed_users": [42],
            },
        }
    )


def test_an_update_is_on_disk_before_it_is_acknowledged(client, stored):
    answer = client.post(PATH, headers=HEADERS, json=UPDATE)
    assert (answer.status_code, answer.json()) == (200, {"id": "123456:7", "duplicate": False})
    (row,) = stored()
    assert (row.source, row.event_id, row.payload) == ("telegram", "123456:7", UPDATE)


def test_r2_an_update_that_telegram_sends_again_is_one(client, stored):
    client.post(PATH, headers=HEADERS, json=UPDATE)
    assert client.post(PATH, headers=HEADERS, json=UPDATE).json()["duplicate"] is True
    assert len(stored()) == 1


def test_it_becomes_a_medium_like_a_polled_one(client, settings, ledger: Ledger):
    client.post(PATH, headers=HEADERS, json=UPDATE)
    take_in(ledger, settings.relay, bot_id="123456", run_id=None)
    with ledger.read() as connection:
        assert connection.execute(select(relay_media.c.key)).scalars().all() == ["telegram:u"]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], "ü"])
def test_without_the_secret_nothing_is_stored(client, stored, secret):
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret.encode()}
    answer = client.post(PATH, headers=headers, json=UPDATE)
    assert answer.status_code == 401
    assert SECRET not in answer.text
    assert stored() == []


@pytest.mark.parametrize("body", [{}, {"update_id": "x"}, {"update_id": None}])
def test_what_is_no_update_is_refused(client, stored, body):
    assert client.post(PATH, headers=HEADERS, json=body).status_code == 400
    assert stored() == []


def test_g2_where_the_ledger_cannot_be_written_telegram_is_told_to_come_again(
    client, ledger: Ledger, monkeypatch
):
    monkeypatch.setattr("sync_assets.server.inbox_writer.ANSWER_TIMEOUT_SECONDS", 0.2)
    with ledger.write():
        assert client.post(PATH, headers=HEADERS, json=UPDATE).status_code == 503
