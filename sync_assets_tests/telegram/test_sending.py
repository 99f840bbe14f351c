"""Sending the outbox: albums, forms, chats, captions as Telegram received them."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from sync_assets.ledger import Ledger
from sync_assets.telegram.models import MediaKind
from sync_assets_tests.telegram.conftest import Outbox
from sync_assets_tests.telegram.works import (
    make_work,
    queue_work,
    write_file,
    write_pages,
    write_picture,
)
from sync_assets_tests.upstreams.telegram import TelegramServer


def album_sizes(server: TelegramServer) -> list[int]:
    albums: dict[str, int] = {}
    for number, message in enumerate(server.messages):
        key = message.album or f"single {number}"
        albums[key] = albums.get(key, 0) + 1
    return list(albums.values())


def test_a_work_is_posted_once_on_each_database(
    ledger: Ledger, server: TelegramServer, tmp_path: Path
) -> None:
    outbox = Outbox(ledger, server, tmp_path)
    outbox.queue(pages=3)
    report = outbox.send()
    assert (report.sent, report.requests, report.unknown, report.failed) == (3, 1, 0, 0)
    assert [message.caption for message in server.messages] == [
        "A title\nAlice\n#cat #original\nhttps://www.pixiv.net/artworks/100",
        "",
        "",
    ]
    assert outbox.states() == ["sent"] * 3
    assert [post.message_id for post in outbox.posts()] == [
        message.message_id for message in server.messages
    ]
    requests = dict(server.requests)
    assert outbox.send().sent == 0
    assert dict(server.requests) == requests


@pytest.mark.parametrize(
    ("pages", "sizes"),
    [(1, [1]), (2, [2]), (10, [10]), (11, [5, 6]), (21, [7, 7, 7]), (23, [7, 8, 8])],
)
def test_albums_have_two_to_ten_items_and_no_single_one_is_left(
    outbox: Outbox, server: TelegramServer, pages: int, sizes: list[int]
) -> None:
    outbox.queue(pages=pages)
    assert outbox.send().sent == pages
    assert sorted(album_sizes(server)) == sizes
    outbox.require_no_duplicate()


def test_works_do_not_share_an_album(outbox: Outbox, server: TelegramServer) -> None:
    outbox.queue("1", pages=2)
    outbox.queue("2", pages=2)
    outbox.send()
    assert album_sizes(server) == [2, 2]


def test_albums_can_be_turned_off(outbox: Outbox, server: TelegramServer) -> None:
    outbox.options["send_media_group"] = False
    outbox.queue(pages=3)
    outbox.send()
    assert album_sizes(server) == [1, 1, 1]


def test_animations_videos_and_documents_are_sent_as_such(
    outbox: Outbox, server: TelegramServer, tmp_path: Path
) -> None:
    media = [
        write_picture(tmp_path / "0.png", page=0),
        write_file(tmp_path / "1.mp4", b"video", page=1, kind=MediaKind.VIDEO),
        write_file(tmp_path / "2.mp4", b"animation", page=2, kind=MediaKind.ANIMATION),
        write_file(tmp_path / "3.zip", b"zip 1", page=3, kind=MediaKind.DOCUMENT),
        write_file(tmp_path / "4.zip", b"zip 2", page=4, kind=MediaKind.DOCUMENT),
    ]
    queue_work(outbox.ledger, media)
    assert outbox.send().sent == 5
    assert [each.kind for each in server.messages] == [each.kind for each in media]
    assert album_sizes(server) == [2, 1, 2]


@pytest.mark.parametrize(
    ("sides", "kind"),
    [
        ((8_000, 4_000), "photo"),
        ((9_000, 1_000), "photo"),
        ((2_100, 100), "document"),
        ((9_990, 12), "document"),
    ],
)
def test_a_picture_beyond_the_limits_becomes_smaller_where_its_ratio_allows(
    outbox: Outbox, server: TelegramServer, tmp_path: Path, sides: tuple[int, int], kind: str
) -> None:
    queue_work(outbox.ledger, [write_picture(tmp_path / "large.png", sides=sides, mode="L")])
    assert outbox.send().sent == 1
    assert server.messages[0].kind == kind


def test_a_picture_beyond_the_limits_goes_as_a_document_where_that_is_wanted(
    outbox: Outbox, server: TelegramServer, tmp_path: Path
) -> None:
    outbox.options["document_fallback"] = True
    queue_work(outbox.ledger, [write_picture(tmp_path / "l.png", sides=(8_000, 4_000), mode="L")])
    assert outbox.send().sent == 1
    assert server.messages[0].kind == "document"


def test_a_photo_of_too_many_bytes_becomes_smaller(
    outbox: Outbox, server: TelegramServer, tmp_path: Path
) -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(buffer, "PNG")
    picture = write_file(tmp_path / "heavy.png", buffer.getvalue() + b"\0" * 10_000_000)
    queue_work(outbox.ledger, [picture])
    assert outbox.send().sent == 1
    assert server.messages[0].kind == "photo"


def test_what_is_no_picture_is_sent_as_a_document(
    outbox: Outbox, server: TelegramServer, tmp_path: Path
) -> None:
    queue_work(outbox.ledger, [write_file(tmp_path / "broken.png", b"not a picture")])
    assert outbox.send().sent == 1
    assert server.messages[0].kind == "document"


def test_over_fifty_megabytes_a_link_is_sent(
    outbox: Outbox, server: TelegramServer, tmp_path: Path
) -> None:
    large = tmp_path / "large <1>.mp4"
    media = write_file(large, b"", kind=MediaKind.VIDEO)
    with large.open("wb") as file:
        file.truncate(50_000_001)
    queue_work(outbox.ledger, [media])
    assert outbox.send().sent == 1
    (message,) = server.messages
    assert message.kind == "text"
    assert "large <1>.mp4" in message.caption
    assert "https://www.pixiv.net/artworks/100" in message.caption


def test_a_second_chat_needs_no_second_upload(outbox: Outbox, server: TelegramServer) -> None:
    server.add_chat("2")
    outbox.options["chat_ids"] = ["1"]
    outbox.queue(pages=2, chats=("1", "2"))
    outbox.send()
    outbox.options["chat_ids"] = ["1", "2"]
    assert outbox.send().reused == 2
    assert [message.uploaded for message in server.messages] == [True, True, False, False]
    assert len({message.content for message in server.messages}) == 2


def test_a_forgotten_file_id_is_uploaded_again(outbox: Outbox, server: TelegramServer) -> None:
    server.add_chat("2")
    outbox.options["chat_ids"] = ["1"]
    outbox.queue(pages=2, chats=("1", "2"))
    outbox.send()
    server._files.clear()
    outbox.options["chat_ids"] = ["1", "2"]
    assert outbox.send().sent == 2
    assert album_sizes(server) == [2, 2]
    outbox.require_no_duplicate()


def test_silent_mode(outbox: Outbox, server: TelegramServer) -> None:
    outbox.queue("1")
    outbox.send()
    outbox.options["disable_notifications"] = True
    outbox.queue("2", pages=2)
    outbox.send()
    assert [message.silent for message in server.messages] == [False, True, True]


def test_posts_of_a_chat_that_is_not_configured_wait(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.queue(chats=("1", "2"))
    assert outbox.send().sent == 1
    assert outbox.states() == ["sent", "queued"]
    server.add_chat("2")
    assert outbox.send().sent == 1


def test_pages_that_come_later_are_posted_alone(outbox: Outbox, server: TelegramServer) -> None:
    outbox.queue(pages=2)
    outbox.send()
    outbox.queue(pages=3)
    assert outbox.send().sent == 1
    outbox.require_no_duplicate()


def test_any_title_reaches_the_chat(outbox: Outbox, server: TelegramServer, tmp_path: Path) -> None:
    title = "<b>&amp; {0} 進撃 👩‍👩‍👧 \ud83d" + "e\u0301" * 2_000
    work = make_work(title=title, tags=tuple(f"tag {n}" for n in range(300)))
    queue_work(outbox.ledger, write_pages(tmp_path, "100", 1), work=work)
    assert outbox.send().sent == 1
    caption = server.messages[0].caption
    assert caption.startswith("<b>&amp; {0} 進撃 👩‍👩‍👧 \ufffde\u0301")
    assert len(caption.encode("utf-16-le")) // 2 <= 1_024
    assert caption.endswith("https://www.pixiv.net/artworks/100")


def test_the_proxy_is_used_and_the_environment_is_not(
    outbox: Outbox, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    outbox.options["base_url"] = "http://telegram.invalid"
    outbox.options["proxy"] = server.url
    outbox.queue()
    assert outbox.send().sent == 1


def test_the_history_holds_no_secret(outbox: Outbox, server: TelegramServer) -> None:
    server.tokens.clear()
    outbox.queue()
    with pytest.raises(Exception, match="Connect again") as caught:
        outbox.send()
    assert "a-token-of-the-bot-father" not in str(caught.value)
    assert "a-token-of-the-bot-father" not in json.dumps([str(row) for row in outbox.posts()])
