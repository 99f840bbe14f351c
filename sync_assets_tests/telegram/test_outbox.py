"""The outbox: what is queued once stays queued once, whatever the text holds."""

from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import telegram_posts
from sync_assets.telegram.chats import record_migration
from sync_assets.telegram.outbox import Media, MediaKind, Work, enqueue
from sync_assets_tests.telegram.works import make_work


def media(*pages: int, content: str = "a") -> list[Media]:
    return [Media(page, Path(f"/p/{page}.jpg"), content * 64, MediaKind.PHOTO) for page in pages]


def queue(ledger: Ledger, pages: list[Media], *chats: str, work: Work | None = None) -> int:
    with ledger.write() as connection:
        return enqueue(
            connection,
            partition="alice",
            work=work or make_work(),
            media=pages,
            chat_ids=chats or ("1",),
        )


def test_queueing_again_changes_nothing(ledger: Ledger) -> None:
    assert queue(ledger, media(0, 1, 2), "1", "@channel") == 6
    assert queue(ledger, media(0, 1, 2), "1", "@channel") == 0


def test_a_new_page_chat_or_content_is_new(ledger: Ledger) -> None:
    queue(ledger, media(0, 1))
    assert queue(ledger, media(0, 1, 2)) == 1
    assert queue(ledger, media(0), "2") == 1
    assert queue(ledger, media(0, content="b")) == 1
    assert queue(ledger, media(0), work=make_work("another")) == 1


def test_a_chat_named_twice_gets_one_post(ledger: Ledger) -> None:
    assert queue(ledger, media(0), "1", "1") == 1


def test_a_group_that_became_a_supergroup_gets_nothing_again(ledger: Ledger) -> None:
    queue(ledger, media(0), "-5")
    with ledger.write() as connection:
        record_migration(connection, "-5", "-1005")
    assert queue(ledger, media(0), "-1005") == 0
    assert queue(ledger, media(1), "-5", "-1005") == 1


def test_any_text_is_stored(ledger: Ledger) -> None:
    title = "nul \0 lone \ud83d pair \ud83d\ude00 <b>&amp; 進撃\u202e"
    assert queue(ledger, media(0), work=make_work(title=title, tags=("\udc00", "\0"))) == 1
    with ledger.read() as connection:
        work = Work.from_json(connection.execute(select(telegram_posts.c.work)).scalar_one())
    assert work.title == "nul  lone \ufffd pair 😀 <b>&amp; 進撃\u202e"
    assert work.tags == ("\ufffd", "")


def test_the_database_refuses_to_send_what_was_sent(ledger: Ledger) -> None:
    queue(ledger, media(0))
    for state in ("sending", "sent"):
        with ledger.write() as connection:
            connection.execute(update(telegram_posts).values(state=state))
    with pytest.raises(DBAPIError, match="illegal telegram_post state"):
        with ledger.write() as connection:
            connection.execute(update(telegram_posts).values(state="queued"))
