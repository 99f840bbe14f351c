"""Users are told of each new episode once, and of nothing that was there before them."""

from sqlalchemy import select

from sync_assets.ledger.schema import notifications
from sync_assets.watchlist import user_settings
from sync_assets.watchlist.announcing import announce
from sync_assets.watchlist.user_settings import UserSettings
from sync_assets_tests.watchlist.watching import Watching

NAMES = [f"[Group] Hoshizora - {number:02} (1080p).mkv" for number in (1, 2)]


def told(watching: Watching) -> list[str]:
    announce(watching.ledger)
    with watching.ledger.read() as connection:
        return list(connection.execute(select(notifications.c.title)).scalars())


def test_new_episodes_are_told_once(watching: Watching) -> None:
    watching.publish("/show", NAMES[0])
    watching.add()
    watching.run()
    assert told(watching) == []
    watching.publish("/show", *NAMES)
    watching.recheck()
    (title,) = told(watching)
    assert title.startswith("New: Hoshizora 2")
    assert told(watching) == [title]


def test_who_does_not_want_to_be_told_is_not(watching: Watching) -> None:
    with watching.ledger.write() as connection:
        user_settings.write(connection, "alice", UserSettings(notify_on_new_episodes=False))
    watching.publish("/show")
    watching.add()
    watching.run()
    watching.publish("/show", *NAMES)
    watching.recheck()
    assert told(watching) == []
