"""The page of an item: episodes, releases, wishes, checks, changes, and its end."""

import pytest
from sqlalchemy import func, select

from sync_assets.ledger.schema import watchlist_items
from sync_assets.watchlist import checks_log, episodes, items, releases
from sync_assets.watchlist.checks_log import CheckCounts
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState
from sync_assets.watchlist.titles import EpisodeKind
from sync_assets_tests.watchlist.building import numbered, release
from sync_assets_tests.watchlist.pages.conftest import plain

E = EpisodeState


@pytest.fixture
def item(add):
    return add(title="Étoile", synopsis="Des étoiles.", language="vostfr")


@pytest.fixture
def see(ledger, item):
    """Let the item have episodes in these states; returns their ids."""

    def write(*states, **fields):
        with ledger.write() as connection:
            seen = [
                SeenEpisode(numbered(str(number)), state=state, **fields)
                for number, state in enumerate(states, start=1)
            ]
            return episodes.see(connection, item, seen)

    return write


def episode_state(ledger, episode_id):
    with ledger.read() as connection:
        return episodes.get(connection, episode_id).state


def test_episodes_show_the_newest_first_with_their_reasons(ledger, item, see, text_of):
    see(E.FOUND, E.WAITING, reason="Waiting for 1080p.")
    with ledger.write() as connection:
        special = numbered("1", None, EpisodeKind.SPECIAL)
        half = numbered("1.5")
        episodes.see(connection, item, [SeenEpisode(special), SeenEpisode(half, title="総集編")])
    text = text_of(f"/watchlist/{item.id}")
    places = [text.index(name) for name in ("S01E02", "S01E01.5", "S01E01 ", "Special 1")]
    assert places == sorted(places)
    assert "Waiting for 1080p." in text
    assert "総集編" in text


def test_groups_of_states_narrow_the_list(item, see, text_of):
    see(E.HAD, E.SKIPPED, E.FOUND)
    assert "Here 1" in text_of(f"/watchlist/{item.id}")
    text = text_of(f"/watchlist/{item.id}?show=missing")
    assert "S01E03" in text
    assert "S01E01" not in text


def test_many_episodes_come_in_pages(item, see, client):
    see(*[E.HAD] * 60)
    page = client.get(f"/watchlist/{item.id}").text
    assert "S01E60" in page
    assert "S01E10" not in page
    assert f'href="/watchlist/{item.id}?page=2"' in page
    assert "S01E10" in client.get(f"/watchlist/{item.id}?page=2").text


def test_a_wish_moves_the_episode(ledger, item, see, client):
    (episode,) = see(E.FOUND)
    for wish, after in (("skip", E.SKIPPED), ("want", E.WANTED), ("skip", E.SKIPPED)):
        answer = client.post(f"/watchlist/{item.id}/episodes/{episode}/{wish}")
        assert answer.headers["location"] == f"/watchlist/{item.id}"
        assert episode_state(ledger, episode) == after


def test_a_failed_episode_is_tried_again(ledger, item, see, client, text_of):
    (episode,) = see(E.WANTED)
    with ledger.write() as connection:
        episodes.move(connection, episode, E.FAILED, reason="No peers.")
    assert "No peers." in text_of(f"/watchlist/{item.id}?show=failed")
    answer = client.post(
        f"/watchlist/{item.id}/episodes/{episode}/retry", headers={"HX-Request": "true"}
    )
    assert "will be tried again" in plain(answer.text)
    assert f'id="episode-{episode}"' in answer.text
    assert episode_state(ledger, episode) == E.WANTED


def test_a_wish_that_comes_too_late_says_so(item, see, client):
    (episode,) = see(E.FOUND)
    assert client.post(f"/watchlist/{item.id}/episodes/{episode}/retry").status_code == 409


def test_releases_show_without_their_links(ledger, item, see, client):
    (episode,) = see(E.FOUND)
    offered = release("a", numbered("1"), resolution=1080, size_bytes=1_503_238_553)
    with ledger.write() as connection:
        releases.remember(connection, item.id, [offered])
    address = f"/watchlist/{item.id}/episodes/{episode}"
    whole = client.get(address).text
    part = client.get(address, headers={"HX-Request": "true"}).text
    assert "<html" in whole
    assert "<html" not in part
    for page in (whole, part):
        assert "[Group] Show a" in page
        assert "1080p" in page
        assert "1.4 GiB" in page
        assert "t.example" not in page


def test_checks_show_what_they_found_and_why_they_failed(ledger, item, text_of):
    with ledger.write() as connection:
        check = checks_log.begin(connection, item.id)
        counts = CheckCounts(found=12, new=2, queued=1, errors=1)
        checks_log.end(connection, check, CheckOutcome.BLOCKED, counts, message="A challenge.")
        checks_log.begin(connection, item.id)
    text = text_of(f"/watchlist/{item.id}")
    assert "Blocked 12 found · 2 new · 1 queued · 1 error" in text
    assert "A challenge." in text
    assert "Under way" in text


def form_of(item, **changes):
    form = {
        "url": item.url,
        "title": item.title,
        "provider": item.provider,
        "language": item.language or "",
        "quality": item.quality,
        "synopsis": item.synopsis,
        "numbering_offset": str(item.numbering_offset),
        "auto_download": "true",
    }
    return form | changes


def test_changes_are_kept_and_what_is_emptied_is_empty(ledger, item, client):
    changes = {"title": "Étoiles", "language": "", "check_interval_hours": "24", "synopsis": ""}
    answer = client.post(f"/watchlist/{item.id}/edit", data=form_of(item, **changes))
    assert answer.status_code == 303, plain(answer.text)
    with ledger.read() as connection:
        row = items.get(connection, item.id)
    assert (row.title, row.language, row.check_interval_hours) == ("Étoiles", None, 24)
    assert row.synopsis == ""
    assert row.auto_download is True


def test_a_form_that_changes_nothing_writes_nothing(ledger, item, client, text_of):
    client.post(f"/watchlist/{item.id}/edit", data=form_of(item))
    assert "Nothing was changed." in text_of(f"/watchlist/{item.id}")
    with ledger.read() as connection:
        assert items.get(connection, item.id).changed_at == item.changed_at


def test_changes_that_cannot_be_are_refused_beside_their_fields(add, item, client):
    other = add(url="https://feeds.example/other.xml")
    wrong = {"title": "", "check_interval_hours": "0"}
    answer = client.post(f"/watchlist/{item.id}/edit", data=form_of(item, **wrong))
    assert answer.status_code == 422
    assert 'id="title-error"' in answer.text
    assert "from 1 to 168" in answer.text
    answer = client.post(f"/watchlist/{item.id}/edit", data=form_of(item, url=other.url))
    assert answer.status_code == 422
    assert 'id="url-error"' in answer.text


def test_to_archive_keeps_and_to_delete_asks_first(ledger, item, client):
    client.post(f"/watchlist/{item.id}/archive")
    with ledger.read() as connection:
        assert items.get(connection, item.id).state == ItemState.ARCHIVED
    assert "Delete it?" in plain(client.get(f"/watchlist/{item.id}/delete").text)
    assert client.post(f"/watchlist/{item.id}/delete").headers["location"] == "/watchlist"
    with ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(watchlist_items)).scalar() == 0


def test_an_address_that_is_no_items_is_nothing(client):
    for path in ("/watchlist/nonsense", "/watchlist/0", "/watchlist/99999999999999999999"):
        assert client.get(path).status_code in {404, 422}
