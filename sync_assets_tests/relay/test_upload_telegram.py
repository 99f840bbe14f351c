"""Uploads to a chat: by file id or by content, and never twice where the answer was lost."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_assets.ledger import Ledger
from sync_assets.relay import uploads as rows
from sync_assets.relay.models import DownloadKind, Origin
from sync_assets.relay.uploading import telegram_target
from sync_assets_tests.relay.uploading import Uploads
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

CONTENT = random.Random(1).randbytes(200_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        running.add_chat("7")
        yield running


@pytest.fixture
def uploads(sqlite_ledger: Ledger, tmp_path: Path, telegram: TelegramServer) -> Uploads:
    found = Uploads(sqlite_ledger, tmp_path, Clouds(tmp_path / "clouds"))
    found.targets["chat"] = {"kind": "telegram", "chat_id": "7"}
    found.telegram = {"bot_token": TOKEN, "base_url": telegram.url, "timeout_seconds": 2}
    return found


def received(telegram: TelegramServer, **options: Any) -> dict[str, Any]:
    """Let the bot have a file; return what makes a medium of it."""
    file = telegram.incoming.add_file("unique", CONTENT, **options)
    return {
        "origin": Origin.TELEGRAM,
        "kind": DownloadKind.TELEGRAM,
        "bot_id": "123456",
        "file_id": file["file_id"],
        "link": None,
    }


def test_a_file_is_sent_as_a_document_with_its_caption(
    uploads: Uploads, telegram: TelegramServer
) -> None:
    download_id = uploads.add("film.mkv", CONTENT, caption="A <film> & more")
    uploads.run()
    (message,) = telegram.messages
    assert (message.kind, message.content, message.uploaded) == ("document", DIGEST, True)
    assert message.caption == "A <film> & more"
    row = uploads.one(download_id)
    assert (row.state, row.verified_by) == ("cleaned", "telegram")
    assert row.proof == f"file_unique_id={DIGEST[:16]}"
    assert row.remote_path == f"7/{message.message_id}"


@pytest.mark.parametrize(
    ("kind", "mime"), [("video", "video/mp4"), ("document", "video/mp4"), ("document", None)]
)
def test_what_the_bot_has_is_sent_by_its_id(
    uploads: Uploads, telegram: TelegramServer, kind: str, mime: str | None
) -> None:
    uploads.add("film.mp4", CONTENT, mime=mime, **received(telegram, kind=kind))
    uploads.run()
    (message,) = telegram.messages
    assert (message.kind, message.content, message.uploaded) == (kind, DIGEST, False)


def test_what_the_bot_does_not_know_any_more_is_uploaded(
    uploads: Uploads, telegram: TelegramServer
) -> None:
    uploads.add("film.mp4", CONTENT, **received(telegram))
    telegram.incoming.forget_file_ids()
    uploads.run()
    (message,) = telegram.messages
    assert message.uploaded


def test_what_is_larger_than_a_bot_may_send_is_said(
    uploads: Uploads, telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram_target, "CLOUD_MAXIMUM_BYTES", len(CONTENT) - 1)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", "too_large_for_target")
    assert "local Bot API server" in row.failure_reason
    uploads.options["local_bot_api"] = True
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert uploads.one(download_id).state == "cleaned"


@pytest.mark.parametrize("fault", ["cut", "garbage", "hang"])
def test_a_lost_answer_is_never_sent_again_by_itself(
    uploads: Uploads, telegram: TelegramServer, fault: str
) -> None:
    telegram.fail(fault, chat_id="7")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    uploads.pass_time()
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", "answer_lost")
    assert telegram.posted() == {("7", DIGEST): 1}
    assert Path(row.download_path).exists()
    uploads.wish(rows.confirm_upload, row.id)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.verified_by) == ("cleaned", "user")
    assert telegram.posted() == {("7", DIGEST): 1}


def test_a_lost_answer_is_sent_again_when_a_user_wants_it(
    uploads: Uploads, telegram: TelegramServer
) -> None:
    telegram.fail("reset", chat_id="7")
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert row.failure_code == "answer_lost"
    uploads.wish(rows.retry_upload, row.id)
    uploads.run()
    assert telegram.posted() == {("7", DIGEST): 1}
    assert uploads.one(download_id).state == "cleaned"


def test_an_upload_whose_worker_was_killed_counts_as_lost(
    uploads: Uploads, telegram: TelegramServer
) -> None:
    download_id = uploads.add("film.mkv", CONTENT)
    with uploads.ledger.write() as connection:
        rows.start(connection, {uploads.one(download_id).id: "7"}, run_id=None)
    uploads.run()
    assert uploads.one(download_id).failure_code == "answer_lost"
    assert not telegram.messages


def test_telegram_that_wants_fewer_messages_gets_them_later(
    uploads: Uploads, telegram: TelegramServer
) -> None:
    telegram.fail("error", chat_id="7", text="429 Too Many Requests: retry after 1", retry_after=1)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.attempts) == ("cleaned", 0)
    assert telegram.posted() == {("7", DIGEST): 1}


def test_telegram_that_is_away_is_tried_again(uploads: Uploads, telegram: TelegramServer) -> None:
    telegram.go_offline()
    uploads.options["max_attempts"] = 2
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", "network")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("400 Bad Request: chat not found", "forbidden"),
        ("403 Forbidden: bot was kicked from the channel", "forbidden"),
        ("401 Unauthorized", "wrong_secret"),
        ("413 Request Entity Too Large", "too_large_for_target"),
        ("400 Bad Request: file must be non-empty", "telegram_refused"),
        ("502 Bad Gateway", "answer_lost"),
    ],
)
def test_what_telegram_refuses_is_said_and_not_repeated(
    uploads: Uploads, telegram: TelegramServer, text: str, code: str
) -> None:
    telegram.fail("error", chat_id="7", text=text)
    download_id = uploads.add("film.mkv", CONTENT)
    uploads.run()
    uploads.run()
    row = uploads.one(download_id)
    assert (row.state, row.failure_code) == ("failed", code)
    assert TOKEN not in row.failure_reason
    assert not telegram.messages


def test_a_folder_is_not_sent_to_a_chat(uploads: Uploads, telegram: TelegramServer) -> None:
    download_id = uploads.add_folder("Show", {"1": b"one", "2": b"two"})
    uploads.run()
    assert uploads.one(download_id).failure_code == "not_a_file"
    assert not telegram.messages
