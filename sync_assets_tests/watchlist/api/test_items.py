"""Items by the API: what is said is kept, what cannot be is refused, others see nothing."""

import re

import pytest

from sync_assets.watchlist.store import episodes, items
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets_tests.watchlist.building import numbered

URL = "https://public.example/show.xml"
WIDE = "\uff41\uff42\uff43"
"""What keyboards for Japanese write for abc."""

FORM = {"url": URL, "title": "Show", "provider": "feed"}

ROUTES = [
    ("GET", ""),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/check"),
    ("GET", "/checks"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("GET", "/episodes"),
    ("POST", "/episodes/1/want"),
    ("POST", "/episodes/1/retry"),
    ("POST", "/episodes/1/skip"),
]


def test_what_a_user_says_is_what_is_shown(client, alice):
    said = {
        **FORM,
        "title": "星空 🌌 «Hoshizora» \u202e",
        "language": "vostfr",
        "auto_download": False,
        "quality": "720p",
        "preferred_groups": ["SubsPlease", "喵萌奶茶"],
        "poster_url": "https://other.example/p.jpg",
        "synopsis": "Zeile 1\nZeile 2",
        "genres": ["Drame"],
        "status": "paused",
        "check_interval_hours": 168,
        "numbering_offset": -12,
        "folder_template": "{title}",
        "expected_episodes": 24,
        "ends_on": "2026-12-24",
        "catalog_key": "anidb:1",
    }
    made = client.post("/api/watchlist", json=said, headers=alice)
    assert made.status_code == 201
    shown = client.get(f"/api/watchlist/{made.json()['id']}", headers=alice).json()
    assert {name: shown[name] for name in said} == said
    assert shown["episodes"] == {}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_anothers_item_is_answered_like_none(  # noqa: PLR0917 - fixtures
    client, alice, bob, add, ledger, method, path
):
    item = add()["id"]
    with ledger.write() as connection:
        episodes.see(connection, items.get(connection, item), [SeenEpisode(numbered("1"))])
    body = {"json": {"title": "stolen"}} if method == "PUT" else {}
    answers = [
        client.request(method, f"/api/watchlist/{each}{path}", headers=bob, **body)
        for each in (item, item + 1)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    foreign, absent = (answer.json()["error"] for answer in answers)
    for error in (foreign, absent):
        del error["request_id"]
    assert re.sub(r"\d+", "N", str(foreign)) == re.sub(r"\d+", "N", str(absent))
    assert client.get(f"/api/watchlist/{item}", headers=alice).json()["title"] == "show"


def test_even_of_an_address_nothing_is_said_where_the_item_is_anothers(client, bob, add):
    item = add()["id"]
    for url in ("https://private.example/", "https://public.example/"):
        answer = client.put(f"/api/watchlist/{item}", json={"url": url}, headers=bob)
        assert answer.status_code == 404


def test_all_tokens_of_a_user_see_the_same(client, headers_for, add):
    item = add()["id"]
    laptop = headers_for("alice")
    assert client.get(f"/api/watchlist/{item}", headers=laptop).status_code == 200


def test_a_user_lists_counts_exports_and_streams_only_what_is_their_own(client, alice, bob, add):
    add("mine")
    add("theirs", headers=bob)
    for headers, title in ((alice, "mine"), (bob, "theirs")):
        listed = client.get("/api/watchlist", headers=headers).json()
        assert [each["title"] for each in listed["items"]] == [title]
        assert client.get("/api/watchlist/stats", headers=headers).json()["total"] == 1
        exported = client.get("/api/watchlist/export", headers=headers).json()
        assert [each["title"] for each in exported["items"]] == [title]


@pytest.mark.parametrize("path", ["", "/1", "/settings", "/stats", "/export", "/shares"])
def test_nothing_is_shown_without_a_token(client, path):
    assert client.get(f"/api/watchlist{path}").status_code == 401


def test_an_address_is_watched_once(client, alice, bob, add):
    item = add()["id"]
    answer = client.post(
        "/api/watchlist", json={**FORM, "url": "https://PUBLIC.example:443/show.xml"}, headers=alice
    )
    assert answer.status_code == 409
    assert str(item) in answer.json()["error"]["message"]
    assert client.post("/api/watchlist", json=FORM, headers=bob).status_code == 201
    other = add("other")["id"]
    moved = client.put(f"/api/watchlist/{other}", json={"url": URL}, headers=alice)
    assert moved.status_code == 409


def test_a_change_leaves_what_it_does_not_name(client, alice, add):
    item = add(language="vf", check_interval_hours=5)
    changed = client.put(
        f"/api/watchlist/{item['id']}",
        json={"quality": "480p", "check_interval_hours": None, "status": "completed"},
        headers=alice,
    ).json()
    assert (changed["quality"], changed["check_interval_hours"]) == ("480p", None)
    assert (changed["status"], changed["language"]) == ("completed", "vf")
    same = client.put(f"/api/watchlist/{item['id']}", json={}, headers=alice).json()
    assert {**same, "changed_at": None} == {**changed, "changed_at": None}


def test_an_unknown_provider_is_refused_with_those_that_there_are(client, alice, add):
    answer = client.post("/api/watchlist", json={**FORM, "provider": "netflix"}, headers=alice)
    assert answer.status_code == 422
    assert "animesama" in answer.json()["error"]["remedy"]
    item = add()["id"]
    changed = client.put(f"/api/watchlist/{item}", json={"provider": "netflix"}, headers=alice)
    assert changed.status_code == 422


def test_pausing_and_resuming_twice_is_like_once(client, alice, add):
    item = add()["id"]
    for action, status in (("pause", "paused"), ("resume", "active")):
        for _ in range(2):
            answer = client.post(f"/api/watchlist/{item}/{action}", headers=alice)
            assert (answer.status_code, answer.json()["status"]) == (200, status)


def test_a_deleted_item_is_gone(client, alice, add):
    item = add()["id"]
    assert client.delete(f"/api/watchlist/{item}", headers=alice).status_code == 204
    assert client.delete(f"/api/watchlist/{item}", headers=alice).status_code == 404
    assert add()["id"] != item


def test_items_are_found_sorted_and_paged(client, alice, add):
    add("Émile", genres=["Drame"], language="vf")
    add(WIDE, status="paused")
    add("Zoo", provider="index")
    add("straße", status="completed", genres=["Comédie"])

    def titles(**query: object) -> list[str]:
        answer = client.get("/api/watchlist", params=query, headers=alice)
        assert answer.status_code == 200, answer.text
        return [each["title"] for each in answer.json()["items"]]

    assert titles() == [WIDE, "straße", "Zoo", "Émile"]
    assert titles(sort="-title") == ["Émile", "Zoo", "straße", WIDE]
    assert titles(sort="created_at") == ["Émile", WIDE, "Zoo", "straße"]
    assert titles(sort="last_checked_at") == titles(sort="created_at")
    assert titles(text="STRASSE") == ["straße"]
    assert titles(text="ABC") == [WIDE]
    assert titles(text="DRAME") == ["Émile"]
    assert titles(text="%") == []
    assert titles(status=["paused", "completed"]) == [WIDE, "straße"]
    assert titles(provider="index") == ["Zoo"]
    assert titles(language="vf") == ["Émile"]
    assert titles(limit=2, offset=1) == ["straße", "Zoo"]
    page = client.get("/api/watchlist", params={"limit": 1}, headers=alice).json()
    assert (page["total"], page["limit"], page["offset"]) == (4, 1, 0)


def test_a_batch_adds_what_it_can(client, alice, add):
    known = add()["id"]
    rows = [
        {"url": "https://public.example/a.xml", "title": "A"},
        {"url": URL, "title": "Again"},
        {"url": "https://private.example/", "title": "B", "provider": "feed"},
        {"url": "https://public.example/unknown", "title": "C"},
        {"url": "https://public.example/d.xml"},
        {"url": "https://unknown-now.example/e.xml", "title": "E"},
    ]
    answer = client.post("/api/watchlist/batch", json={"items": rows}, headers=alice)
    assert answer.status_code == 200
    assert [row["outcome"] for row in answer.json()] == [
        "added",
        "known",
        "refused",
        "refused",
        "refused",
        "added",
    ]
    assert answer.json()[1]["id"] == known
    assert client.get("/api/watchlist", headers=alice).json()["total"] == 3


def test_statistics_count_by_status_provider_and_episode(client, alice, add, ledger):
    item = add("a")["id"]
    add("b", status="paused", provider="index")
    with ledger.write() as connection:
        row = items.get(connection, item)
        episodes.see(connection, row, [SeenEpisode(numbered("1")), SeenEpisode(numbered("2"))])
    counted = client.get("/api/watchlist/stats", headers=alice).json()
    assert counted["by_status"] == {"active": 1, "paused": 1, "completed": 0, "archived": 0}
    assert counted["by_provider"] == {"feed": 1, "index": 1}
    assert counted["by_outcome"] == {"never": 2}
    assert counted["episodes"] == {"found": 2}


def test_settings_have_their_defaults_and_change_one_by_one(client, alice, bob):
    before = client.get("/api/watchlist/settings", headers=alice).json()
    assert before == {
        "check_interval_hours": 6,
        "auto_download_enabled": True,
        "max_concurrent_auto_downloads": 2,
        "notify_on_new_episodes": True,
        "include_completed_anime": False,
        "most_downloads_of_all_users": 10,
    }
    after = client.put(
        "/api/watchlist/settings", json={"check_interval_hours": 168}, headers=alice
    ).json()
    assert after == {**before, "check_interval_hours": 168}
    assert client.get("/api/watchlist/settings", headers=alice).json() == after
    assert client.get("/api/watchlist/settings", headers=bob).json() == before


def test_a_users_wishes_for_an_episode(client, alice, add, ledger):
    item = add()["id"]
    with ledger.write() as connection:
        row = items.get(connection, item)
        (episode,) = episodes.see(connection, row, [SeenEpisode(numbered("12.5"))])
    base = f"/api/watchlist/{item}/episodes"
    assert client.post(f"{base}/{episode}/skip", headers=alice).json()["state"] == "skipped"
    assert client.post(f"{base}/{episode}/want", headers=alice).json()["state"] == "wanted"
    refused = client.post(f"{base}/{episode}/retry", headers=alice)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "episode_not_possible")
    page = client.get(base, params={"state": "wanted"}, headers=alice).json()
    assert [(each["season"], each["number"]) for each in page["episodes"]] == [(1, "12.5")]
    assert client.get(base, params={"state": "failed"}, headers=alice).json()["total"] == 0
    assert client.get(base, params={"limit": 1_001}, headers=alice).status_code == 422
