"""Everything that Telegram and the network do: nothing is lost, nothing is posted twice."""

import re
import time
from pathlib import Path

import pytest

from sync_assets.telegram.chats import chat_problems
from sync_assets.telegram.errors import AnswerLostError, BotRejectedError, UnreachableError
from sync_assets.telegram.sending import LOST_IN_A_ROW
from sync_assets_tests.telegram.conftest import Outbox
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

FLOOD = '400 Bad Request: failed to send message #{} with the error message "{}"'


def contents(server: TelegramServer, chat_id: str = "1") -> set[str]:
    return {content for _, content in server.posted(chat_id)}


# The answer is lost: nobody knows, so nobody sends again.


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cut", ""),
        ("garbage", ""),
        ("late_error", "500 Internal Server Error"),
        ("late_error", "502 Bad Gateway"),
        ("late_error", "504 Gateway Timeout"),
        ("reset", ""),
    ],
)
@pytest.mark.parametrize("pages", [1, 3])
def test_a_lost_answer_leaves_posts_unknown_and_is_never_sent_again(
    outbox: Outbox, server: TelegramServer, kind: str, text: str, pages: int
) -> None:
    server.fail(kind, chat_id="1", text=text)
    outbox.queue("1", pages=pages)
    outbox.queue("2", pages=pages)
    report = outbox.send()
    assert (report.unknown, report.sent) == (pages, pages)
    outbox.pass_time()
    assert outbox.send().sent == 0
    assert outbox.states() == ["unknown"] * pages + ["sent"] * pages
    assert "lost" in outbox.posts()[0].reason
    outbox.require_no_duplicate()


def test_a_read_timeout_after_posting_leaves_the_post_unknown(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.options["timeout_seconds"] = 0.5
    server.fail("hang", chat_id="1")
    outbox.queue()
    assert outbox.send().unknown == 1
    assert len(server.messages) == 1
    assert outbox.send().sent == 0


def test_answers_that_are_lost_one_after_the_other_end_the_run(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.fail("late_error", chat_id="1", text="502 Bad Gateway", times=100)
    for number in range(8):
        outbox.queue(str(number))
    with pytest.raises(AnswerLostError):
        outbox.send()
    assert outbox.states() == ["unknown"] * LOST_IN_A_ROW + ["queued"] * (8 - LOST_IN_A_ROW)


@pytest.mark.parametrize(("policy", "messages"), [("resend", 2), ("assume_sent", 1)])
def test_the_policy_decides_what_becomes_of_unknown_posts(
    outbox: Outbox, server: TelegramServer, policy: str, messages: int
) -> None:
    outbox.options["on_unknown"] = policy
    server.fail("cut", chat_id="1")
    outbox.queue()
    outbox.send()
    outbox.send()
    assert outbox.states() == ["sent"]
    assert len(server.messages) == messages


def test_resending_ends_after_the_allowed_attempts(outbox: Outbox, server: TelegramServer) -> None:
    outbox.options |= {"on_unknown": "resend", "max_attempts": 3}
    server.fail("cut", chat_id="1", times=100)
    outbox.queue()
    for _ in range(6):
        outbox.send()
    assert outbox.states() == ["unknown"]
    assert len(server.messages) == 3


# Albums that are posted in part.


def test_of_a_broken_album_only_the_item_that_is_surely_missing_is_sent_again(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.fail(
        "partial",
        chat_id="1",
        posted=[1, 2],
        text=FLOOD.format(1, "Too Many Requests: retry after 1"),
    )
    outbox.queue(pages=4)
    started = time.monotonic()
    report = outbox.send()
    assert time.monotonic() - started >= 1
    assert (report.sent, report.unknown, report.rate_limited) == (1, 3, 1)
    assert outbox.states() == ["sent", "unknown", "unknown", "unknown"]
    assert len(contents(server)) == 3
    outbox.require_no_duplicate()


def test_a_picture_that_breaks_an_album_is_sent_as_a_document(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.fail(
        "partial", chat_id="1", posted=[0], text=FLOOD.format(2, "PHOTO_INVALID_DIMENSIONS")
    )
    outbox.queue(pages=2)
    outbox.send()
    assert outbox.states() == ["unknown", "sent"]
    assert [message.kind for message in server.messages] == ["photo", "document"]


# Refusals: the post waits or goes another way.


def test_a_refused_album_is_sent_item_by_item(outbox: Outbox, server: TelegramServer) -> None:
    server.fail("error", chat_id="1", text="400 Bad Request: something is wrong with an item")
    outbox.queue(pages=3)
    assert outbox.send().sent == 3
    assert {message.album for message in server.messages} == {None}


@pytest.mark.parametrize("text", ["PHOTO_INVALID_DIMENSIONS", "IMAGE_PROCESS_FAILED"])
def test_a_refused_photo_becomes_a_document(
    outbox: Outbox, server: TelegramServer, text: str
) -> None:
    server.fail("error", chat_id="1", text=f"400 Bad Request: {text}")
    outbox.queue()
    assert outbox.send().sent == 1
    assert server.messages[0].kind == "document"


def test_a_file_that_is_too_large_after_all_becomes_a_link(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.fail("error", chat_id="1", text="413 Request Entity Too Large")
    outbox.queue()
    assert outbox.send().sent == 1
    assert server.messages[0].kind == "text"


def test_a_message_that_is_always_refused_fails_and_does_not_stop_the_others(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.options["max_attempts"] = 3
    text = "400 Bad Request: no such thing"
    server.fail("error", chat_id="1", text=text, times=100, about="/artworks/1")
    outbox.queue("1")
    outbox.queue("2")
    for _ in range(4):
        outbox.pass_time()
        outbox.send()
    assert outbox.states() == ["failed", "sent"]
    assert server.refused[400] == 3
    assert "No such thing" in outbox.posts()[0].reason
    assert "What to do" in outbox.posts()[0].reason


def test_a_refused_message_waits_longer_each_time(outbox: Outbox, server: TelegramServer) -> None:
    outbox.options["retry_backoff_initial_seconds"] = 100
    server.fail("error", chat_id="1", text="400 Bad Request: no", times=2)
    outbox.queue()
    waits = []
    for _ in range(2):
        outbox.pass_time()
        outbox.send()
        (post,) = outbox.posts()
        waits.append((post.not_before - post.changed_at).total_seconds())
    assert [round(wait, -1) for wait in waits] == [100, 200]


def test_a_missing_file_is_named_and_the_other_pages_are_posted(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.options["max_attempts"] = 1
    outbox.queue(pages=3)
    missing = Path(outbox.posts()[1].path)
    missing.unlink()
    assert outbox.send().sent == 2
    assert outbox.states() == ["sent", "failed", "sent"]
    assert str(missing) in outbox.posts()[1].reason


def test_a_drive_that_is_away_for_a_while_costs_one_attempt(outbox: Outbox) -> None:
    outbox.queue()
    path = Path(outbox.posts()[0].path)
    away = path.rename(path.with_name("away"))
    for _ in range(3):
        outbox.send()
    (post,) = outbox.posts()
    assert (post.state, post.refusals) == ("queued", 1)
    assert round((post.not_before - post.changed_at).total_seconds(), -1) == 3_600
    away.rename(path)
    outbox.pass_time()
    assert outbox.send().sent == 1


# Too fast.


def test_retry_after_is_obeyed(outbox: Outbox, server: TelegramServer) -> None:
    server.fail("error", chat_id="1", text="429 Too Many Requests: retry after 1", retry_after=1)
    outbox.queue(pages=2)
    started = time.monotonic()
    report = outbox.send()
    assert time.monotonic() - started >= 1
    assert (report.sent, report.rate_limited) == (2, 2)
    assert [post.rate_limited for post in outbox.posts()] == [1, 1]


def test_a_long_retry_after_survives_a_restart(outbox: Outbox, server: TelegramServer) -> None:
    server.add_chat("2")
    server.fail(
        "error", chat_id="1", text="429 Too Many Requests: retry after 900", retry_after=900
    )
    outbox.queue(pages=2, chats=("1", "2"))
    assert set(outbox.send().paused) == {"1"}
    requests = server.requests["sendMediaGroup"]
    assert re.search(r"in (900|89\d) s", outbox.send().paused["1"])
    assert server.requests["sendMediaGroup"] == requests
    outbox.pass_time()
    assert outbox.send().sent == 2
    outbox.require_no_duplicate()


# A chat, or the bot, that takes nothing.


@pytest.mark.parametrize(
    "text",
    [
        "400 Bad Request: chat not found",
        "403 Forbidden: bot was blocked by the user",
        "403 Forbidden: bot was kicked from the supergroup chat",
        "400 Bad Request: not enough rights to send photos to the chat",
    ],
)
def test_a_chat_that_takes_nothing_does_not_stop_the_others(
    outbox: Outbox, server: TelegramServer, text: str
) -> None:
    server.add_chat("2")
    server.fail("error", chat_id="2", text=text)
    outbox.queue("1", pages=2, chats=("2", "1"))
    outbox.queue("2", pages=2, chats=("2", "1"))
    report = outbox.send()
    assert report.sent == 4
    assert [problem.chat_id for problem in report.problems] == ["2"]
    with outbox.ledger.read() as connection:
        (problem,) = chat_problems(connection, ["1", "2"])
    assert text.rpartition(": ")[2] in problem.problem.lower()
    assert "telegram.chat_ids" in problem.remedy
    assert server.requests["sendMediaGroup"] == 3
    assert outbox.send().sent == 0
    outbox.pass_time()
    assert outbox.send().sent == 4
    with outbox.ledger.read() as connection:
        assert chat_problems(connection, ["1", "2"]) == []
    outbox.require_no_duplicate()


def test_a_group_that_became_a_supergroup_is_followed(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.add_chat("-5", "group")
    server.add_chat("-1005", "supergroup")
    outbox.options["chat_ids"] = ["-5"]
    text = "400 Bad Request: group chat was upgraded to a supergroup chat"
    server.fail("error", chat_id="-5", text=text, migrate_to_chat_id=-1005, times=100)
    outbox.queue("1", pages=2, chats=("-5",))
    assert outbox.send().sent == 2
    outbox.options["chat_ids"] = ["-1005"]
    outbox.queue("1", pages=3, chats=("-1005",))
    assert outbox.send().sent == 1
    assert len(contents(server, "-1005")) == 3
    assert server.requests["sendMediaGroup"] == 2


def test_a_revoked_bot_stops_with_what_to_do_and_loses_nothing(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.tokens.clear()
    outbox.queue(pages=2)
    with pytest.raises(BotRejectedError, match="Connect again"):
        outbox.send()
    assert outbox.states() == ["queued"] * 2
    server.tokens.add(TOKEN)
    assert outbox.send().sent == 2


def test_a_bot_that_is_revoked_meanwhile_stops_all_chats(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.add_chat("2")
    server.fail("error", chat_id="1", text="401 Unauthorized")
    for number in range(3):
        outbox.queue(str(number), chats=("1", "2"))
    with pytest.raises(BotRejectedError):
        outbox.send()
    assert set(outbox.states()) <= {"queued", "sent"}
    outbox.send()
    assert outbox.states() == ["sent"] * 6
    outbox.require_no_duplicate()


# No connection.


def test_a_refused_connection_counts_as_not_sent(outbox: Outbox, server: TelegramServer) -> None:
    server.go_offline()
    outbox.queue()
    with pytest.raises(UnreachableError, match="base_url"):
        outbox.send()
    assert outbox.states() == ["queued"]
    server.listen()
    assert outbox.send().sent == 1


def test_a_server_error_of_the_first_request_harms_nothing(
    outbox: Outbox, server: TelegramServer
) -> None:
    server.fail("error", text="502 Bad Gateway", times=2)
    outbox.queue()
    assert outbox.send().sent == 1
    outbox.require_no_duplicate()


def test_a_run_ends_in_time_and_the_next_one_goes_on(
    outbox: Outbox, server: TelegramServer
) -> None:
    outbox.options["max_run_seconds"] = 0.001
    outbox.queue()
    assert "next" in outbox.send().paused["1"]
    outbox.options["max_run_seconds"] = 20
    assert outbox.send().sent == 1
