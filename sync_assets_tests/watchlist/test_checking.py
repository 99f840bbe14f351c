"""An item is checked: what its provider lists is stored, chosen and queued, each once."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from sync_assets.ledger.events import read_events
from sync_assets.ledger.leases import hold_lease
from sync_assets.ledger.schema import watchlist_releases
from sync_assets.watchlist import episode_wishes, episodes, items, user_settings
from sync_assets.watchlist.checking import lease_name
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import EpisodeState, ItemState
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.user_settings import UserSettings
from sync_assets_tests.upstreams.feed_site import Document, Fault
from sync_assets_tests.watchlist.watching import Watching, feed

TWO = ("[Group] Hoshizora - 01 (1080p).mkv", "[Group] Hoshizora - 02 (1080p).mkv")


def test_what_is_listed_is_stored_and_queued(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    report = watching.run()
    assert report.numbers["checked"] == 1
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
    (check,) = watching.checks(item_id)
    assert (check.outcome, check.found, check.new, check.queued, check.errors) == (
        "ok",
        2,
        2,
        2,
        0,
    )
    names = [row.media_name for row in watching.downloads()]
    assert names == ["Hoshizora - S01E01.mkv", "Hoshizora - S01E02.mkv"]
    assert {row.media_source for row in watching.downloads()} == {"watchlist"}


def test_an_unchanged_list_is_asked_for_conditionally_and_changes_nothing(
    watching: Watching,
) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    watching.run()
    watching.recheck()
    assert "if-none-match" in watching.site.received[-1].headers
    assert watching.checks(item_id)[-1].found == 2
    assert len(watching.downloads()) == 2


def test_a_list_that_grows_brings_what_is_new(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    watching.run()
    watching.publish("/show", *TWO, "[Group] Hoshizora - 03 (1080p).mkv")
    assert watching.recheck().numbers["new"] == 1
    # Two downloads are under way already.
    assert watching.states(item_id)["3"] == "wanted"


def test_less_than_before_deletes_nothing(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    watching.run()
    watching.publish("/show", TWO[1])
    watching.recheck()
    watching.publish("/show")
    watching.recheck()
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
    assert watching.checks(item_id)[-1].outcome == "empty"


@pytest.mark.parametrize(
    ("document", "fault", "outcome"),
    [
        (Document(b"<html>Come back later</html>", "text/html"), None, "no_data"),
        (Document(b"<rss><channel><item><title>Hoshi"), None, "empty"),
        (None, Fault.SERVER_ERROR, "broken"),
        (None, Fault.TOO_MANY, "broken"),
        (None, Fault.CHALLENGE, "blocked"),
    ],
)
def test_a_broken_provider_flags_its_item_and_no_other(
    watching: Watching, document: Document | None, fault: Fault | None, outcome: str
) -> None:
    watching.publish("/good", *TWO)
    if document is not None:
        watching.site.documents["/bad"] = document
    if fault is not None:
        watching.site.faults["/bad"] = fault
    bad, good = watching.add("/bad"), watching.add("/good")
    watching.run()
    assert watching.checks(bad)[0].outcome == outcome
    if fault is not Fault.TOO_MANY:
        # After 429, the whole host is left alone.
        assert watching.checks(good)[0].outcome == "ok"
    is_good = outcome == "empty"
    row = watching.item(bad)
    assert row.consecutive_errors == (0 if is_good else 1)
    assert (row.last_error is None) is is_good
    assert row.state == ItemState.ACTIVE


def test_a_provider_that_breaks_later_keeps_what_it_gave(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    watching.run()
    state = watching.item(item_id).provider_state
    watching.site.faults["/show"] = Fault.SERVER_ERROR
    watching.recheck()
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
    assert watching.item(item_id).provider_state == state


def test_a_provider_that_is_not_there_is_said(watching: Watching) -> None:
    item_id = watching.add(provider="gone")
    watching.run()
    assert "gone is not installed" in watching.item(item_id).last_error


def test_no_more_downloads_than_wished_are_under_way(watching: Watching) -> None:
    names = [f"[Group] Hoshizora - {number:02} (1080p).mkv" for number in range(1, 8)]
    watching.publish("/show", *names[:2], *names[4:])
    item_id = watching.add()
    other = watching.add("/show", owner="bob")
    watching.run()
    queued = [state for state in watching.states(item_id).values() if state == "queued"]
    assert len(queued) == 2
    assert list(watching.states(other).values()).count("queued") == 2


def test_the_limit_of_all_users_holds(watching: Watching) -> None:
    watching.options["max_concurrent_auto_downloads"] = 3
    watching.publish("/show", *TWO)
    for owner in ("alice", "bob"):
        watching.add("/show", owner=owner)
    watching.run()
    assert len(watching.downloads()) == 3


def test_a_batch_counts_as_one_download(watching: Watching) -> None:
    watching.publish(
        "/show", "[Group] Hoshizora (01-12) (1080p) [Batch]", "[Group] Hoshizora - 13 (1080p).mkv"
    )
    item_id = watching.add()
    watching.run()
    assert len(watching.downloads()) == 2
    assert set(watching.states(item_id).values()) == {"queued"}


@pytest.mark.parametrize("switch", ["item", "user", "paused"])
def test_nothing_is_taken_by_itself_where_that_is_off(watching: Watching, switch: str) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add(
        auto_download=switch != "item",
        state=ItemState.PAUSED if switch == "paused" else ItemState.ACTIVE,
    )
    if switch == "user":
        with watching.ledger.write() as connection:
            settings = UserSettings(auto_download_enabled=False)
            user_settings.write(connection, "alice", settings)
    watching.run(item_id)
    assert watching.states(item_id) == {"1": "found", "2": "found"}
    with watching.ledger.write() as connection:
        (first, _) = episodes.of_item(connection, item_id)
        episode_wishes.want(connection, first)
    watching.run()
    assert watching.states(item_id) == {"1": "queued", "2": "found"}


def test_less_than_wanted_waits_and_is_then_taken(watching: Watching) -> None:
    watching.publish("/show", "[Group] Hoshizora - 01 (480p).mkv")
    item_id = watching.add(quality="1080p")
    watching.run()
    row = watching.rows(item_id)["1"]
    assert row.state == "waiting"
    assert row.not_before is not None
    watching.options["choosing"] = {"wait_hours": 0}
    watching.pass_pauses()
    watching.run()
    assert watching.states(item_id) == {"1": "queued"}


def test_what_nobody_offers_is_put_off_and_not_tried_in_a_circle(watching: Watching) -> None:
    watching.publish("/show", "[Group] Hoshizora - 01 (1080p).mkv")
    item_id = watching.add(auto_download=False)
    watching.run()
    with watching.ledger.write() as connection:
        seen = SeenEpisode(EpisodeNumber(None, Decimal(2)))
        (episode_id,) = episodes.see(connection, items.get(connection, item_id), [seen])
        episode_wishes.want(connection, episodes.get(connection, episode_id))
    watching.run()
    assert watching.rows(item_id)["2"].not_before is not None


def test_a_second_cour_counts_from_one(watching: Watching) -> None:
    watching.publish(
        "/show",
        "[A] Hoshizora - 12 (1080p).mkv",
        "[A] Hoshizora - 13 (1080p).mkv",
        "[B] Hoshizora S2 - 01 (1080p).mkv",
        "[B] Hoshizora S1 - 03 (1080p).mkv",
    )
    item_id = watching.add(title="Hoshizora 2nd Season", numbering_offset=-12)
    watching.run()
    assert watching.states(item_id) == {"1": "queued"}
    assert [row.media_name for row in watching.downloads()] == ["Hoshizora 2nd Season - S02E01.mkv"]


def test_a_number_that_may_be_another_seasons_waits_for_its_user(watching: Watching) -> None:
    watching.publish("/show", "[A] Hoshizora - 05 (1080p).mkv")
    item_id = watching.add(title="Hoshizora 2nd Season")
    watching.run()
    row = watching.rows(item_id)["5"]
    assert (row.state, row.season) == ("found", 2)
    assert "doubtful" in row.reason


def test_zero_decimals_and_gaps_are_episodes_of_their_own(watching: Watching) -> None:
    watching.publish(
        "/show",
        *(f"[A] Hoshizora - {number} (1080p).mkv" for number in ("00", "12.5", "07", "13")),
    )
    item_id = watching.add(auto_download=False)
    watching.run()
    assert set(watching.states(item_id)) == {"0", "7", "12.5", "13"}


def test_other_works_of_the_same_feed_do_not_count(watching: Watching) -> None:
    watching.publish("/all", *TWO, "[Group] Other Show - 03 (1080p).mkv")
    item_id = watching.add("/all")
    watching.run()
    assert set(watching.states(item_id)) == {"1", "2"}


def test_an_address_of_a_private_network_is_not_passed_on(watching: Watching) -> None:
    entries = [(TWO[0], "http://10.0.0.1/secret.mkv")]
    watching.site.documents["/show"] = Document(feed(entries))
    item_id = watching.add()
    watching.run()
    assert watching.downloads() == []
    row = watching.rows(item_id)["1"]
    assert row.state == "failed"
    assert "allowed_private_hosts" in row.reason


def test_a_torrent_that_cannot_be_fetched_is_tried_again_later(watching: Watching) -> None:
    entries = [(TWO[0], f"{watching.site.url}/gone.torrent")]
    watching.site.documents["/show"] = Document(feed(entries, "application/x-bittorrent"))
    watching.options["choosing"] = {"max_attempts": 2}
    item_id = watching.add()
    watching.run()
    row = watching.rows(item_id)["1"]
    assert (row.state, row.attempts) == ("wanted", 1)
    assert "404" in row.reason
    watching.pass_pauses()
    watching.run()
    assert watching.states(item_id) == {"1": "failed"}


def test_only_one_check_of_an_item_is_at_work(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    with hold_lease(watching.ledger, lease_name(item_id), purpose="another"):
        report = watching.run()
    assert report.numbers["checked"] == 0
    assert watching.checks(item_id) == []


def test_two_checks_at_once_queue_each_episode_once(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    threads = [threading.Thread(target=watching.run, args=(item_id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert watching.states(item_id) == {"1": "queued", "2": "queued"}
    assert len(watching.downloads()) == 2


class _DeletingSite:
    """Lets something happen while a feed is being answered."""

    def __init__(self, watching: Watching, happening: Any) -> None:
        self._answer = watching.site.answer
        self._happening = happening
        watching.site.answer = self

    def __call__(self, request: Any) -> Any:
        self._happening()
        return self._answer(request)


def test_an_item_that_is_deleted_while_it_is_checked_leaves_nothing(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()

    def delete() -> None:
        with watching.ledger.write() as connection:
            items.remove(connection, item_id)

    _DeletingSite(watching, delete)
    report = watching.run()
    assert report.numbers["checked"] == 0
    assert watching.downloads() == []
    with watching.ledger.read() as connection:
        assert connection.execute(select(watchlist_releases)).all() == []


def test_an_item_that_is_changed_while_it_is_checked_is_checked_again(watching: Watching) -> None:
    watching.publish("/show", *TWO, "[Group] Other - 05 (1080p).mkv")
    item_id = watching.add()

    def rename() -> None:
        with watching.ledger.write() as connection:
            items.edit(connection, item_id, title="Other")

    _DeletingSite(watching, rename)
    watching.run()
    assert watching.checks(item_id)[0].outcome == "interrupted"
    assert watching.item(item_id).provider_state == {}
    watching.run()
    assert set(watching.states(item_id)) == {"5"}


def test_what_was_there_before_its_user_is_not_announced(watching: Watching) -> None:
    watching.publish("/show", *TWO)
    item_id = watching.add()
    watching.run()
    watching.publish("/show", *TWO, "[Group] Hoshizora - 03 (1080p).mkv")
    watching.recheck()
    announced = {
        number: row.notified_at is not None for number, row in watching.rows(item_id).items()
    }
    assert announced == {"1": True, "2": True, "3": False}


def test_every_step_is_in_the_history_of_its_owner(watching: Watching) -> None:
    watching.publish("/show", TWO[0])
    watching.add()
    watching.run()
    with watching.ledger.read() as connection:
        history = read_events(connection, entity="watchlist_episode")
    assert [event.state for event in history] == [EpisodeState.FOUND, EpisodeState.QUEUED]
    assert {event.owner for event in history} == {"alice"}
