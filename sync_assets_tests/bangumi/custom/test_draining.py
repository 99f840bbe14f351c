"""From the inbox to the items of an account: who, which, once, and nothing lost."""

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from sync_assets.bangumi.custom import draining
from sync_assets.bangumi.custom.draining import drain
from sync_assets.bangumi.custom.items import (
    CustomItemState,
    mark_done,
    mark_matched,
    newest_unfinished,
    read_items,
)
from sync_assets.bangumi.custom.models import Action
from sync_assets.bangumi.custom.watched import as_watched
from sync_assets.ledger.inbox import Delivery, store
from sync_assets.ledger.schema import events as event_table
from sync_assets.ledger.schema import inbox_events
from sync_assets.ledger.types import utc_now
from sync_assets.settings.bangumi import CustomSettings
from sync_assets_tests.bangumi.custom.payloads import (
    EMBY,
    JELLYFIN,
    JELLYFIN_FILM,
    OWN,
    PLEX,
    TAUTULLI,
    changed,
)

SETTINGS = CustomSettings(users={"ann": "alice", "plex:Bob": "bob", "emby:bob": "alice"})


@pytest.fixture
def send(ledger):
    """Put events into the inbox, as the server does."""

    def store_all(*deliveries):
        with ledger.write() as connection:
            for number, (source, payload) in enumerate(deliveries):
                name = payload.get("event_id", f"{source}-{number}-{utc_now()}")
                store(connection, [Delivery(source, name, payload)])

    return store_all


@pytest.fixture
def items(ledger):
    def read(account="alice"):
        with ledger.read() as connection:
            return read_items(connection, account)

    return read


@pytest.fixture
def inbox(ledger):
    def read():
        with ledger.read() as connection:
            rows = connection.execute(select(inbox_events).order_by(inbox_events.c.id)).all()
        return [(row.source, row.state) for row in rows]

    return read


def test_events_of_every_server_become_items_of_the_account(ledger, send, items, inbox):
    sources = {"plex": PLEX, "emby": EMBY, "jellyfin": JELLYFIN, "tautulli": TAUTULLI,
               "custom": OWN}  # fmt: skip
    send(*sources.items())
    drained = drain(ledger, SETTINGS, "run")
    assert (drained.events, drained.items) == (5, 5)
    assert [each.item.source for each in items()] == list(sources)
    assert {(each.item.season, each.item.episode, each.action) for each in items()} == {
        (1, 2, Action.WATCHED)
    }
    assert inbox() == [(source, "done") for source in sources]


def test_a_user_belongs_to_an_account_by_source_or_by_name(ledger, send, items):
    plex_bob = changed(PLEX, "Account.title", "BOB")
    emby_bob = changed(EMBY, "User.Name", "bob")
    send(("plex", plex_bob), ("emby", emby_bob))
    drain(ledger, SETTINGS, "run")
    assert [each.item.source for each in items("bob")] == ["plex"]
    assert [each.item.source for each in items("alice")] == ["emby"]


def test_users_that_are_not_configured_are_ignored_and_counted(ledger, send, items, inbox):
    send(("jellyfin", {**JELLYFIN, "NotificationUsername": "guest"}), ("plex", PLEX))
    drained = drain(ledger, SETTINGS, "run")
    assert drained.unknown_users == {"jellyfin:guest": 1}
    assert inbox() == [("jellyfin", "ignored"), ("plex", "done")]
    assert len(items()) == 1
    with ledger.read() as connection:
        states = select(event_table.c.detail).where(event_table.c.state == "ignored")
        assert connection.execute(states).scalar() == {"reason": "its user is not configured"}


def test_sources_and_libraries_can_be_left_out(ledger, send, items):
    settings = CustomSettings.model_validate(
        {
            "users": {"ann": "alice"},
            "sources": ["plex", "emby", "jellyfin"],
            "libraries": {"plex": ["anime"], "emby": ["/media/anime"], "jellyfin": ["Anime"]},
        }
    )
    send(
        ("plex", PLEX),
        ("plex", changed(PLEX, "Metadata.librarySectionTitle", "Films")),
        ("emby", EMBY),
        ("emby", changed(EMBY, "Item.Path", "/media/anime2/Star Kettle/S01E02.mkv")),
        ("jellyfin", JELLYFIN),
        ("tautulli", TAUTULLI),
    )
    drained = drain(ledger, settings, "run")
    assert [each.item.source for each in items()] == ["plex", "emby"]
    assert drained.ignored == {"its library does not count": 3, "its source is off": 1}


def test_what_cannot_be_understood_fails_alone_and_says_why(ledger, send, items, inbox):
    send(("emby", {"Event": "playback.stop"}), ("plex", {"unparsed": "{", "problem": "Cut off."}))
    send(("plex", PLEX))
    drained = drain(ledger, SETTINGS, "run")
    assert inbox() == [("emby", "ignored"), ("plex", "failed"), ("plex", "done")]
    assert drained.failed == ["event 2 (plex): Cut off."]
    assert len(items()) == 1


def test_an_event_of_the_same_id_is_one_even_after_the_inbox_has_forgotten_it(ledger, send, items):
    payload = {**OWN, "event_id": "again"}
    send(("custom", payload))
    drain(ledger, SETTINGS, "run")
    with ledger.write() as connection:
        connection.execute(inbox_events.delete())
    send(("custom", payload))
    assert drain(ledger, SETTINGS, "run").items == 0
    assert len(items()) == 1


def test_a_run_that_dies_in_the_middle_leaves_the_events_waiting(
    ledger, send, items, inbox, monkeypatch
):
    send(("plex", PLEX), ("jellyfin", JELLYFIN))

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(draining, "store_items", die)
        with pytest.raises(KeyboardInterrupt):
            drain(ledger, SETTINGS, "dead")
    assert {state for _, state in inbox()} == {"received"}
    assert items() == []
    assert drain(ledger, SETTINGS, "run").items == 2


KILLED_RUN = """
import os, signal, sys
from sync_assets.bangumi.custom import draining
from sync_assets.ledger import Ledger
from sync_assets.settings.bangumi import CustomSettings

stored = draining.store_items
calls = []

def store_and_die_at_the_second(*arguments):
    calls.append(stored(*arguments))
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return calls[-1]

draining.store_items = store_and_die_at_the_second
draining.drain(Ledger.open(sys.argv[1]), CustomSettings(users={"ann": "alice"}), "killed")
"""


def test_a_run_that_is_killed_leaves_neither_half_an_event_nor_loses_one(sqlite_ledger):
    deliveries = [Delivery("custom", f"{n}", {**OWN, "episode": n}) for n in (1, 2, 3)]
    with sqlite_ledger.write() as connection:
        store(connection, deliveries)
    url = sqlite_ledger.url.render_as_string(hide_password=False)
    killed = subprocess.run([sys.executable, "-c", KILLED_RUN, url], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with sqlite_ledger.read() as connection:
        assert read_items(connection, "alice") == []
    assert drain(sqlite_ledger, SETTINGS, "next").items == 3


def test_more_events_than_one_claim_takes_are_all_dealt_with(ledger, send, items, monkeypatch):
    monkeypatch.setattr(draining, "EVENTS_PER_CLAIM", 2)
    send(*[("custom", {**OWN, "episode": number}) for number in range(1, 6)])
    assert drain(ledger, SETTINGS, "run").events == 5
    assert len(items()) == 5


def test_a_clock_that_is_ahead_makes_no_play_of_the_future(ledger, send, items):
    send(("custom", {**OWN, "watched_at": "2999-01-01T00:00:00Z"}))
    drain(ledger, SETTINGS, "run")
    assert items()[0].occurred_at <= utc_now()


def test_an_item_is_unfinished_until_a_run_has_taken_it_to_the_end(ledger, send, items):
    send(("plex", PLEX))
    drain(ledger, SETTINGS, "run")
    with ledger.write() as connection:
        mark_done(connection, "alice", "too early")
        assert newest_unfinished(connection, ["alice"]) == items()[0].id
        assert newest_unfinished(connection, ["bob"]) is None
        mark_matched(connection, read_items(connection, "alice"), "run")
        assert newest_unfinished(connection, ["alice"]) is not None
        mark_done(connection, "alice", "run")
        assert newest_unfinished(connection, ["alice"]) is None
    assert [each.state for each in items()] == [CustomItemState.DONE]


def test_plays_and_starts_of_one_episode_are_one_item_for_the_matching(ledger, send, items):
    send(
        ("custom", {**OWN, "action": "started", "watched_at": "2026-04-09T20:00:00Z"}),
        ("custom", {**OWN, "watched_at": "2026-04-09T20:24:00Z"}),
        ("custom", {**OWN, "watched_at": "2026-04-10T20:24:00Z", "release_date": None}),
        ("jellyfin", JELLYFIN_FILM),
    )
    drain(ledger, SETTINGS, "run")
    episode, film = as_watched(items())
    assert (episode.title, episode.plays) == ("Star Kettle 1x02", 2)
    assert episode.started_at == datetime(2026, 4, 9, 20, tzinfo=UTC)
    assert episode.watched_at == datetime(2026, 4, 10, 20, 24, tzinfo=UTC)
    assert episode.item.release_date is not None
    assert (film.title, film.plays, film.started_at) == ("Star Kettle the Movie", 1, None)
