"""The list of items: what it shows, how it is filtered, and its buttons."""

import pytest
from sqlalchemy import update

from sync_assets.ledger.schema import watchlist_items
from sync_assets.watchlist import episodes, items, schedule
from sync_assets.watchlist.episodes import SeenEpisode
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState
from sync_assets_tests.watchlist.building import numbered
from sync_assets_tests.watchlist.pages.conftest import plain

FOREIGN_ROUTES = [
    ("GET", ""),
    ("GET", "/edit"),
    ("POST", "/edit"),
    ("GET", "/delete"),
    ("POST", "/delete"),
    ("POST", "/archive"),
    ("POST", "/check"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("GET", "/poster"),
    ("GET", "/episodes/{episode}"),
    ("POST", "/episodes/{episode}/want"),
    ("POST", "/episodes/{episode}/retry"),
    ("POST", "/episodes/{episode}/skip"),
]


def state_of(ledger, item_id):
    with ledger.read() as connection:
        return items.get(connection, item_id).state


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(client):
    client.cookies.clear()
    answer = client.get("/watchlist")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fwatchlist"


def test_the_header_leads_to_the_watchlist(client):
    assert 'href="/watchlist" aria-current="page"' in client.get("/watchlist").text


def test_an_item_shows_its_state_its_new_episodes_and_its_trouble(ledger, add, text_of):
    item = add(title="星空 «Hoshizora»", expected_episodes=12, language="vostfr")
    states = [EpisodeState.HAD, EpisodeState.FOUND, EpisodeState.WANTED, EpisodeState.WANTED]
    with ledger.write() as connection:
        seen = [SeenEpisode(numbered(str(n)), state=state) for n, state in enumerate(states)]
        episodes.see(connection, item, seen)
        schedule.checked(connection, item.id, CheckOutcome.BROKEN, error="It has another form.")
    text = text_of("/watchlist")
    assert "星空 «Hoshizora»" in text
    assert "Broken" in text
    assert "It has another form." in text
    assert "1 new to decide" in text
    assert "2 new coming" in text
    assert "1 of 12" in text
    assert "vostfr" in text


def test_what_a_provider_writes_is_shown_and_never_executed(add, client):
    add(title="<script>alert(1)</script>", genres=["<b>"], synopsis="{{ 7 * 7 }}")
    page = client.get("/watchlist").text
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_somebody_elses_items_are_nowhere(ledger, add, client, text_of):
    item = add("bob", title="Secret")
    with ledger.write() as connection:
        (episode,) = episodes.see(connection, item, [SeenEpisode(numbered("1"))])
    for path in ("/watchlist", "/watchlist/calendar", "/watchlist/statistics"):
        assert "Secret" not in text_of(path)
    for method, path in FOREIGN_ROUTES:
        address = f"/watchlist/{item.id}{path.format(episode=episode)}"
        answer = client.request(
            method, address, data={"title": "Mine"} if method == "POST" else None
        )
        unknown = address.replace(f"/{item.id}", "/999")
        missing = client.request(
            method, unknown, data={"title": "Mine"} if method == "POST" else None
        )
        assert answer.status_code == missing.status_code == 404, address
    assert state_of(ledger, item.id) == ItemState.ACTIVE


@pytest.mark.parametrize(
    "path",
    [
        "/watchlist/check-all",
        "/watchlist/1/pause",
        "/watchlist/1/delete",
        "/watchlist/1/edit",
        "/watchlist/add",
        "/watchlist/add/preview",
        "/watchlist/settings",
        "/watchlist/settings/shares",
        "/watchlist/import",
    ],
)
def test_what_another_site_sends_changes_nothing(ledger, add, client, path):
    item = add()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert client.post(path, headers=headers).status_code == 403
    assert state_of(ledger, item.id) == ItemState.ACTIVE


def test_filters_search_and_archived_items(add, text_of):
    add(title="Étoile", genres=["Drame"])
    add(title="Dandadan", provider="index", state=ItemState.PAUSED)
    add(title="Old", state=ItemState.ARCHIVED)
    assert "2 items" in text_of("/watchlist")
    assert "Old" not in text_of("/watchlist")
    assert "3 items" in text_of("/watchlist?status=all")
    assert "1 item " in text_of("/watchlist?status=archived")
    assert "1 item " in text_of("/watchlist?text=éTOILE")
    assert "1 item " in text_of("/watchlist?text=drame&provider=feed")
    assert "Dandadan" in text_of("/watchlist?status=paused&provider=index")
    assert "Nothing fits" in text_of("/watchlist?text=nowhere")


def test_filters_that_there_are_not_are_left_out(add, text_of):
    add(title="Étoile")
    assert "Étoile" in text_of("/watchlist?status=nonsense&sort=nonsense")


def test_many_items_come_in_pages_that_keep_the_filters(add, client):
    for number in range(30):
        add(title=f"Show {number:02}")
    first = client.get("/watchlist?text=show").text
    assert "Show 23" in first
    assert "Show 24" not in first
    assert 'href="/watchlist?text=show&amp;page=2"' in first
    assert "Show 29" in client.get("/watchlist?text=show&page=2").text


def test_htmx_gets_the_cards_alone_and_the_way_back_the_page(add, client):
    add(title="Étoile")
    part = client.get("/watchlist", headers={"HX-Request": "true"}).text
    assert "Étoile" in part
    assert "<html" not in part
    whole = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get("/watchlist", headers=whole).text


def test_pause_and_resume_lead_back_with_a_message(ledger, add, client, text_of):
    item = add(title="Étoile")
    answer = client.post(f"/watchlist/{item.id}/pause", data={"back": "/watchlist?text=é"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/watchlist?text=%C3%A9")
    assert state_of(ledger, item.id) == ItemState.PAUSED
    assert "Étoile is paused." in text_of("/watchlist")
    client.post(f"/watchlist/{item.id}/resume")
    assert state_of(ledger, item.id) == ItemState.ACTIVE


def test_a_button_leads_nowhere_else(add, client):
    item = add()
    answer = client.post(f"/watchlist/{item.id}/pause", data={"back": "//evil.example"})
    assert answer.headers["location"] == "/"


def test_htmx_gets_the_card_and_the_message(add, client):
    item = add(title="Étoile")
    answer = client.post(f"/watchlist/{item.id}/pause", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert f'id="item-{item.id}"' in answer.text
    assert "Paused" in plain(answer.text)
    assert "Étoile is paused." in plain(answer.text)


def test_a_check_is_remembered_while_dagster_is_down(ledger, add, client, text_of):
    item = add(title="Étoile")
    with ledger.write() as connection:
        schedule.checked(connection, item.id, CheckOutcome.OK)
    client.post(f"/watchlist/{item.id}/check")
    assert "as soon as Dagster works" in text_of("/watchlist")
    with ledger.read() as connection:
        assert [row.id for row in schedule.due(connection, limit=5)] == [item.id]


def test_all_are_checked_at_once(ledger, add, client, text_of):
    for _ in range(3):
        add()
    with ledger.write() as connection:
        far = watchlist_items.c.next_check_at
        connection.execute(
            update(watchlist_items).values(
                {far: items.get(connection, 1).next_check_at.replace(year=2099)}
            )
        )
    client.post("/watchlist/check-all")
    assert "3 items will be checked" in text_of("/watchlist")
    with ledger.read() as connection:
        assert len(schedule.due(connection, limit=5)) == 3


def test_an_archived_item_is_not_checked(add, client):
    item = add(state=ItemState.ARCHIVED)
    assert client.post(f"/watchlist/{item.id}/check").status_code == 409
