"""Files from Telegram: through the gateway and the real aria2c, and never with the bot's token."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from sync_assets.relay import downloads
from sync_assets.relay.bot_api import BotApi
from sync_assets.relay.gateway import Gateway, serve_gateway
from sync_assets.relay.models import DownloadState, ReasonCode
from sync_assets_tests.relay.conftest import Relay
from sync_assets_tests.relay.media import telegram_medium
from sync_assets_tests.telegram.conftest import telegram_settings
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

CONTENT = hashlib.sha256(b"video").digest() * 8_000
SLOW = 100_000


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    with TelegramServer() as running:
        yield running


@pytest.fixture
def gateway(relay: Relay, telegram: TelegramServer) -> Iterator[Gateway]:
    settings = telegram_settings(telegram, chat_ids=())
    with (
        BotApi(settings) as bot,
        serve_gateway(relay.ledger, bot, b"key") as running,
    ):
        relay.gateway = running
        yield running


def add(relay: Relay, telegram: TelegramServer, **options: Any) -> int:
    file = telegram.incoming.add_file("unique", CONTENT, **options)
    medium = telegram_medium(
        "unique", file_id=file["file_id"], size_bytes=file["file_size"], mime="video/mp4"
    )
    return relay.add_medium(medium)


def test_a_file_of_telegram_becomes_a_verified_file(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    download_id = add(relay, telegram)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.total_bytes) == ("completed", len(CONTENT))
    assert Path(row.path).read_bytes() == CONTENT


def test_the_token_is_nowhere(relay: Relay, telegram: TelegramServer, gateway: Gateway) -> None:
    download_id = add(relay, telegram, bytes_per_second=SLOW)
    row = relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    client = relay.aria2.client()
    said = [
        client.call("aria2.tellStatus", row.gid),
        client.call("aria2.getServers", row.gid),
        client.call("aria2.getUris", row.gid),
    ]
    client.call("aria2.forcePause", row.gid)
    relay.run(seconds=1)
    secret = TOKEN.partition(":")[2]
    assert secret not in str(said)
    for path in [each for each in relay.directory.rglob("*") if each.is_file()]:
        assert secret.encode() not in path.read_bytes(), path
    with relay.ledger.read() as connection:
        for table in ("relay_media", "relay_downloads", "events"):
            assert secret not in str(connection.execute(text(f"SELECT * FROM {table}")).all())


def test_d15_a_link_that_expires_while_the_download_rests_is_renewed(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    download_id = add(relay, telegram, bytes_per_second=SLOW)
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    relay.wish(downloads.pause, download_id)
    relay.run(seconds=0.5)
    telegram.incoming.expire_links()
    for stored in telegram.incoming.files.values():
        stored.bytes_per_second = None
    relay.wish(downloads.resume, download_id)
    relay.run()
    row = relay.row(download_id)
    assert row.state == DownloadState.COMPLETED
    assert Path(row.path).read_bytes() == CONTENT
    assert telegram.incoming.links_given >= 2


def test_a_file_above_20_mb_is_explained_without_asking(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    download_id = add(relay, telegram, size=20 * 1024 * 1024 + 1)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.TOO_LARGE_FOR_BOT_API)
    assert "local Bot API server" in row.reason
    assert telegram.requests["getFile"] == 0


def test_a_file_that_telegram_finds_too_large_is_explained(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    file = telegram.incoming.add_file("unique", CONTENT, size=20 * 1024 * 1024 + 1)
    download_id = relay.add_medium(telegram_medium("unique", file_id=file["file_id"]))
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.TOO_LARGE_FOR_BOT_API)


def test_a_local_bot_api_server_gives_large_files_from_its_disk(
    relay: Relay, telegram: TelegramServer, gateway: Gateway, tmp_path: Path
) -> None:
    relay.options = {"local_bot_api": True}
    file = tmp_path / "on the server's disk"
    file.write_bytes(CONTENT * 100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gateway.bot, "get_file_path", lambda _: str(file))
        download_id = relay.add_medium(
            telegram_medium("unique", size_bytes=len(CONTENT) * 100, file_id="any")
        )
        relay.run()
    row = relay.row(download_id)
    assert row.state == DownloadState.COMPLETED
    assert Path(row.path).stat().st_size == len(CONTENT) * 100


def test_telegrams_retry_after_is_kept(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    telegram.fail("error", chat_id="getFile", text="429 Too Many Requests", retry_after=1_000)
    download_id = add(relay, telegram)
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("pending", ReasonCode.RATE_LIMITED)
    assert (row.not_before - row.changed_at).total_seconds() > 990
    relay.pass_time()
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED


@pytest.mark.parametrize("fault", ["reset", "error"])
def test_telegram_that_fails_is_asked_again(
    relay: Relay, telegram: TelegramServer, gateway: Gateway, fault: str
) -> None:
    telegram.fail(fault, chat_id="getFile", times=7, text="502 Bad Gateway")
    download_id = add(relay, telegram)
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED


def test_a_file_id_that_telegram_knows_no_more_is_cured_by_sending_it_again(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    download_id = add(relay, telegram)
    telegram.incoming.forget_file_ids()
    relay.run()
    row = relay.row(download_id)
    assert (row.state, row.reason_code) == ("failed", ReasonCode.TELEGRAM_REFUSED)
    fresh = telegram.incoming.add_file("unique", CONTENT)
    with relay.ledger.write() as connection:
        wanted = downloads.want(connection, telegram_medium("unique", file_id=fresh["file_id"]))
    assert wanted.download_id == download_id
    relay.run()
    assert relay.row(download_id).state == DownloadState.COMPLETED


@pytest.mark.parametrize("path", ["/", "/g/1/0", f"/g/1/{'0' * 64}", "/../etc/passwd"])
def test_a_wrong_signature_gets_nothing(
    relay: Relay, telegram: TelegramServer, gateway: Gateway, path: str
) -> None:
    add(relay, telegram)
    with httpx.Client() as client:
        assert client.get(f"http://127.0.0.1:{gateway.port}{path}").status_code in (404, 400)
    assert telegram.requests["getFile"] == 0


def test_a_signature_is_good_for_one_medium_only(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    add(relay, telegram)
    other = gateway.url(2).replace("/g/2/", "/g/1/")
    assert httpx.get(other).status_code == 404
    assert httpx.get(gateway.url(1), headers={"Range": "bytes=5-9"}).content == CONTENT[5:10]


def test_telegram_that_breaks_off_is_asked_for_the_rest(
    relay: Relay, telegram: TelegramServer, gateway: Gateway
) -> None:
    download_id = add(relay, telegram, bytes_per_second=SLOW)
    relay.run_until(download_id, lambda row: row.completed_bytes > 0)
    telegram.go_offline()
    relay.run_until(download_id, lambda row: row.attempts > 0)
    telegram.listen()
    relay.pass_time()
    relay.run()
    row = relay.row(download_id)
    assert row.state == DownloadState.COMPLETED, row.reason
    assert Path(row.path).read_bytes() == CONTENT
