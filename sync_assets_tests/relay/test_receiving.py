"""Messages from Telegram become media, once each, whatever is killed or repeated."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import store
from sync_assets.ledger.schema import (
    inbox_events,
    rate_budgets,
    relay_downloads,
    relay_media,
    relay_messages,
    relay_replies,
    relay_update_offsets,
)
from sync_assets.ledger.types import AnyRow
from sync_assets.relay import downloads, receiving
from sync_assets.relay.bot_api import BotApi, BotApiError, BotUnreachableError
from sync_assets.relay.models import DownloadState, Reason, ReasonCode
from sync_assets.relay.receiver import receive
from sync_assets.relay.receiving import delivery, poll, take_in
from sync_assets.relay.replying import NOTHING_TO_RELAY, Replier
from sync_assets.relay.report import IntakeReport
from sync_assets.settings import Settings, load_settings
from sync_assets.settings.relay import RelaySettings
from sync_assets_tests.telegram.conftest import UNHURRIED, telegram_settings
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

BOT = "123456"


@dataclass
class Receiver:
    """A bot that receives from the stand-in."""

    ledger: Ledger
    telegram: TelegramServer
    bot: BotApi
    options: dict[str, Any] = field(default_factory=lambda: {"allowed_users": [42]})

    def poll(self) -> int:
        return poll(self.ledger, self.bot, BOT)

    def take_in(self) -> IntakeReport:
        settings = RelaySettings(**self.options)
        return take_in(self.ledger, settings, bot_id=BOT, run_id="a run")

    def receive(self) -> IntakeReport:
        self.poll()
        return self.take_in()

    def reply(self) -> int:
        return Replier(self.ledger, self.bot, BOT, pace=UNHURRIED).reply()

    def rows(self, table: Any) -> list[AnyRow]:
        with self.ledger.read() as connection:
            return list(connection.execute(select(table).order_by(table.c[0])).all())

    def video(self, unique_id: str = "u1", **message: Any) -> int:
        file = self.telegram.incoming.add_file(unique_id, b"content")
        video = {**file, "file_name": f"{unique_id}.mp4", "mime_type": "video/mp4"}
        return self.telegram.incoming.receive(video={**video, "duration": 1}, **message)

    def texts(self) -> list[str]:
        """What the chat shows of the bot's messages."""
        edited = dict(self.telegram.edits)
        return [edited.get(each.message_id, each.caption) for each in self.telegram.messages]


@pytest.fixture
def receiver(ledger: Ledger) -> Iterator[Receiver]:
    with TelegramServer() as telegram:
        telegram.add_chat("1")
        with BotApi(telegram_settings(telegram, chat_ids=())) as bot:
            yield Receiver(ledger, telegram, bot)


def test_a_video_becomes_a_medium_with_a_download(receiver: Receiver) -> None:
    receiver.video(caption="A film")
    assert receiver.receive() == IntakeReport(messages=1, added=1)
    (medium,) = receiver.rows(relay_media)
    assert (medium.key, medium.name, medium.mime) == ("telegram:u1", "u1.mp4", "video/mp4")
    assert (medium.size_bytes, medium.caption, medium.sender) == (7, "A film", "Ann")
    (download,) = receiver.rows(relay_downloads)
    assert (download.state, download.expected_bytes) == ("pending", 7)


@pytest.mark.parametrize(
    "kind", ["document", "audio", "voice", "video_note", "animation", "sticker"]
)
def test_every_kind_of_file_is_taken(receiver: Receiver, kind: str) -> None:
    message: dict[str, Any] = {kind: receiver.telegram.incoming.add_file("u", b"x")}
    receiver.telegram.incoming.receive(**message)
    assert receiver.receive().added == 1


def test_of_a_photo_the_largest_size_is_taken(receiver: Receiver) -> None:
    add = receiver.telegram.incoming.add_file
    sizes = [
        {**add(name, b"x" * size), "width": size, "height": size}
        for name, size in (("s", 90), ("l", 800), ("m", 320))
    ]
    receiver.telegram.incoming.receive(photo=sizes)
    receiver.receive()
    assert [medium.key for medium in receiver.rows(relay_media)] == ["telegram:l"]


def test_links_of_a_text_are_taken(receiver: Receiver) -> None:
    magnet = "magnet:?xt=urn:btih:" + "a" * 40
    text = f"see http://host/a.mkv and {magnet} and ftp://no and http://host/a.mkv"
    receiver.telegram.incoming.receive(text=text)
    assert receiver.receive().added == 2
    assert {medium.kind for medium in receiver.rows(relay_media)} == {"http", "magnet"}


def test_many_messages_of_one_file_are_one_medium(receiver: Receiver) -> None:
    for _ in range(3):
        receiver.video("same")
    assert receiver.receive() == IntakeReport(messages=3, added=1, known=2)
    assert len(receiver.rows(relay_messages)) == 3
    assert len(receiver.rows(relay_downloads)) == 1


def test_an_album_is_answered_once(receiver: Receiver) -> None:
    for number in range(3):
        receiver.video(f"u{number}", media_group_id="9")
    receiver.receive()
    assert receiver.reply() == 1
    assert len(receiver.telegram.messages) == 1
    assert receiver.texts()[0].splitlines() == [f"u{n}.mp4 waits." for n in range(3)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"allowed_users": [7]}, {}),
        ({"allowed_chats": ["-5"]}, {}),
        ({}, {}),
    ],
)
def test_who_may_not_send_is_not_answered_and_leaves_nothing(
    receiver: Receiver, options: dict[str, Any], message: dict[str, Any]
) -> None:
    receiver.options = options
    receiver.video(**message)
    assert receiver.receive().refused == 1
    assert receiver.rows(relay_media) == []
    assert receiver.reply() == 0
    (event,) = receiver.rows(inbox_events)
    assert event.state == "ignored"
    assert "relay.allowed_users" in event.failure_reason


def test_an_allowed_channel_has_no_user(receiver: Receiver) -> None:
    receiver.options = {"allowed_chats": ["-100"]}
    file = receiver.telegram.incoming.add_file("u", b"x")
    chat = {"id": -100, "type": "channel", "title": "News"}
    message = {"document": file, "chat": chat, "from": None, "sender_chat": chat}
    receiver.telegram.incoming.receive("channel_post", **message)
    assert receiver.receive().added == 1
    assert receiver.rows(relay_media)[0].sender == "News"


def test_a_message_with_nothing_to_relay_is_told_so(receiver: Receiver) -> None:
    receiver.telegram.incoming.receive(text="hello")
    assert receiver.receive().refused == 1
    receiver.reply()
    assert receiver.texts() == [NOTHING_TO_RELAY]
    assert receiver.reply() == 0


def test_an_update_of_another_form_stops_nothing(receiver: Receiver) -> None:
    receiver.telegram.incoming.receive(video={"no": "ids"})
    receiver.telegram.incoming.receive_again({"update_id": 50, "poll": {"id": "1"}})
    receiver.video()
    report = receiver.receive()
    assert (report.failed, report.refused, report.added) == (1, 1, 1)


def test_r1_killed_before_the_commit(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.video()
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(receiving, "_set_offset", die)
        with pytest.raises(KeyboardInterrupt):
            receiver.poll()
    assert receiver.rows(inbox_events) == []
    assert receiver.receive().added == 1


def test_r2_the_sender_delivers_again_what_was_stored(receiver: Receiver) -> None:
    receiver.video()
    (event,) = receiver.telegram.incoming.waiting()
    for _ in range(2):
        with receiver.ledger.write() as connection:
            store(connection, [delivery(event, bot_id=BOT)])
    assert receiver.take_in().added == 1
    assert len(receiver.rows(inbox_events)) == 1


def test_r3_twice_out_of_order_and_edited(receiver: Receiver) -> None:
    file = receiver.telegram.incoming.add_file("u1", b"x")
    receiver.telegram.incoming.receive("edited_message", message_id=5, video=file, caption="after")
    receiver.receive()
    receiver.telegram.incoming.receive(message_id=5, video=file, caption="before")
    receiver.receive()
    receiver.telegram.incoming.receive(message_id=5, video=file, caption="before")
    receiver.receive()
    (medium,) = receiver.rows(relay_media)
    (message,) = receiver.rows(relay_messages)
    assert (medium.caption, message.caption) == ("after", "after")
    assert len(receiver.rows(relay_downloads)) == 1


def test_r4_rows_are_stored_and_the_offset_is_not_confirmed(receiver: Receiver) -> None:
    receiver.video()
    assert receiver.poll() == 1
    assert len(receiver.telegram.incoming.waiting()) == 1
    # A new process asks from the ledger's offset on, and so confirms.
    assert receiver.poll() == 0
    assert receiver.telegram.incoming.waiting() == []
    assert receiver.take_in().added == 1


def test_r4_without_its_offset_nothing_is_doubled(receiver: Receiver) -> None:
    receiver.video()
    receiver.poll()
    with receiver.ledger.write() as connection:
        connection.execute(relay_update_offsets.delete())
    assert receiver.poll() == 1
    assert receiver.take_in().added == 1
    assert len(receiver.rows(inbox_events)) == 1


def test_more_updates_than_one_answer_holds(receiver: Receiver) -> None:
    for number in range(230):
        receiver.telegram.incoming.receive(text=f"http://host/{number}")
    while receiver.poll():
        pass
    assert receiver.take_in().added == 230


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [
        ("error", "429 Too Many Requests: retry after 5", BotApiError),
        ("error", "409 Conflict: terminated by other getUpdates request", BotApiError),
        ("error", "502 Bad Gateway", BotApiError),
        ("reset", "", BotUnreachableError),
    ],
)
def test_r5_what_goes_wrong_loses_nothing_and_names_no_token(
    receiver: Receiver, kind: str, text: str, error: type[Exception]
) -> None:
    receiver.video()
    receiver.telegram.fail(kind, chat_id="getUpdates", text=text)
    with pytest.raises(error) as caught:
        receiver.poll()
    assert "a-token-of-the-bot-father" not in f"{caught.value!r} {caught.value}"
    assert receiver.receive().added == 1


def test_r5_the_service_goes_on_after_every_failure(receiver: Receiver, settings: Settings) -> None:
    incoming = receiver.telegram.incoming
    for text in ("429 Too Many Requests", "409 Conflict", "502 Bad Gateway"):
        receiver.telegram.fail("error", chat_id="getUpdates", text=text)
    receiver.telegram.fail("reset", chat_id="getUpdates")
    receiver.video()
    configured = settings.model_copy(
        update={"telegram": telegram_settings(receiver.telegram, chat_ids=())}
    )
    stopped = threading.Event()
    service = threading.Thread(
        target=receive,
        args=(configured, receiver.ledger, stopped),
        kwargs={"wait_seconds": 1, "first_pause_seconds": 0.01},
    )
    service.start()
    try:
        for _ in range(500):
            if receiver.rows(inbox_events) and not incoming.waiting():
                break
            stopped.wait(0.02)
    finally:
        stopped.set()
        service.join()
    assert receiver.take_in().added == 1


def test_a_webhook_that_is_set_is_explained(receiver: Receiver) -> None:
    receiver.telegram.incoming.webhook_is_set = True
    with pytest.raises(BotApiError, match="delete its webhook"):
        receiver.poll()


def test_one_status_message_is_edited_and_never_repeated(receiver: Receiver) -> None:
    receiver.video()
    receiver.receive()
    receiver.reply()
    assert receiver.reply() == 0
    with receiver.ledger.write() as connection:
        row = downloads.open_downloads(connection, most_due=1)[0]
        reason = Reason(ReasonCode.NOT_FOUND, "It is not there. Send a fresh link.")
        downloads.end(connection, row, DownloadState.FAILED, reason, run_id=None)
    receiver.reply()
    assert len(receiver.telegram.messages) == 1
    assert receiver.texts() == ["u1.mp4 has failed: It is not there. Send a fresh link."]
    assert receiver.reply() == 0


def test_an_answer_that_was_lost_is_sent_once_more_at_most(receiver: Receiver) -> None:
    receiver.telegram.fail("cut", times=9, chat_id="1")
    receiver.video()
    receiver.receive()
    for _ in range(5):
        receiver.reply()
    assert len(receiver.telegram.messages) == 2
    assert receiver.rows(relay_replies)[0].is_settled


def test_an_answer_waits_as_long_as_telegram_says(receiver: Receiver) -> None:
    receiver.telegram.fail("error", chat_id="1", text="429 Too Many Requests", retry_after=1_000)
    receiver.video()
    receiver.receive()
    assert receiver.reply() == 0
    assert receiver.reply() == 0
    assert receiver.telegram.requests["sendMessage"] == 1
    with receiver.ledger.write() as connection:
        connection.execute(update(rate_budgets).values(next_free_at=0, blocked_until=0))
    assert receiver.reply() == 1


def test_a_chat_that_takes_no_answers_stops_nothing(receiver: Receiver) -> None:
    receiver.telegram.fail("error", chat_id="1", text="403 Forbidden: bot was blocked")
    receiver.video()
    receiver.receive()
    assert receiver.reply() == 0
    assert receiver.reply() == 0


def test_no_token_is_in_the_ledger(receiver: Receiver, tmp_path: Path) -> None:
    receiver.video()
    receiver.receive()
    receiver.reply()
    for path in [each for each in tmp_path.rglob("*") if each.is_file()]:
        assert b"a-token-of-the-bot-father" not in path.read_bytes()


def test_the_service_stores_what_comes_and_ends_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TelegramServer() as telegram:
        (tmp_path / "sync.toml").write_text(
            f'home = "home"\n[telegram]\nbot_token = "{TOKEN}"\nbase_url = "{telegram.url}"\n'
            "[relay]\nenabled = true\nallowed_users = [42]\n"
        )
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
        settings = load_settings()
        ledger = Ledger.open(settings.ledger_url)
        telegram.incoming.receive(text="http://host/a.mkv")
        service = subprocess.Popen([sys.executable, "-m", "sync_assets.relay.receiver"])
        try:
            while telegram.incoming.waiting():
                assert service.poll() is None
                time.sleep(0.05)
            service.terminate()
            assert service.wait(30) == 0
        finally:
            service.kill()
            service.wait()
    report = take_in(ledger, settings.relay, bot_id=BOT, run_id=None)
    ledger.close()
    assert report.added == 1
    logged = "".join(each.read_text() for each in (tmp_path / "home").rglob("*.log*"))
    assert TOKEN not in logged
