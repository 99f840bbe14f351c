"""Backups: what is exported comes back, twice is like once, and the earlier form is read."""

import pytest

from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.store import episodes, items
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets_tests.watchlist.building import numbered


def exported(client, headers) -> dict:
    answer = client.get("/api/watchlist/export", headers=headers)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    document = answer.json()
    del document["exported_at"]
    return document


def imported(client, headers, document) -> dict:
    answer = client.post("/api/watchlist/import", json=document, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def full(client, alice, add, ledger) -> dict:
    """A watchlist that uses every field."""
    add("plain")
    item = add(
        "星空🌌",
        language="vf",
        quality="720p",
        auto_download=False,
        preferred_groups=["A", "B"],
        genres=["Drame"],
        synopsis="…",
        status="paused",
        check_interval_hours=24,
        numbering_offset=-12,
        expected_episodes=24,
        ends_on="2026-12-24",
        poster_url="https://other.example/p.jpg",
        folder_template="{title}",
        catalog_key="anidb:1",
    )
    client.put("/api/watchlist/settings", json={"check_interval_hours": 12}, headers=alice)
    with ledger.write() as connection:
        row = items.get(connection, item["id"])
        for state, number in (
            (EpisodeState.HAD, "1"),
            (EpisodeState.SKIPPED, "12.5"),
            (EpisodeState.FOUND, "3"),
        ):
            episodes.see(connection, row, [SeenEpisode(numbered(number), state=state)])
        (fetched,) = episodes.see(
            connection, row, [SeenEpisode(numbered("2", season=None), state=EpisodeState.WANTED)]
        )
        episodes.move(connection, fetched, EpisodeState.QUEUED)
        episodes.move(
            connection,
            fetched,
            EpisodeState.DOWNLOADED,
            path="/library/2.mkv",
            downloaded_at=row.created_at,
        )
    return exported(client, alice)


def test_what_is_exported_comes_back_for_somebody_else(client, bob, full):
    result = imported(client, bob, full)
    assert result == {"added": 2, "kept": 0, "episodes": 3, "refused": []}
    assert exported(client, bob) == full
    (item,) = client.get("/api/watchlist?status=paused", headers=bob).json()["items"]
    assert item["episodes"] == {"had": 2, "skipped": 1}


def test_importing_twice_is_like_once(client, alice, bob, full):
    imported(client, bob, full)
    again = imported(client, bob, full)
    assert again == {"added": 0, "kept": 2, "episodes": 0, "refused": []}
    assert exported(client, bob) == full
    assert imported(client, alice, full)["kept"] == 2


def test_a_bad_item_keeps_no_good_one_away(client, alice):
    good = {"url": "https://public.example/a.xml", "title": "A"}
    document = {
        "format": "sync_assets.watchlist",
        "version": 1,
        "items": [
            {**good, "quality": "4K"},
            {**good, "url": "file:///etc/passwd"},
            "text",
            {**good, "had": ["regular:1:-1"]},
            {**good, "had": ["x"]},
            {**good, "had": ["regular:x:1"]},
            {**good, "had": ["regular:1:" + "9" * 400]},
            {**good, "provider": "none"},
            good,
        ],
    }
    result = imported(client, alice, document)
    assert [each["index"] for each in result["refused"]] == list(range(8))
    assert result["added"] == 1
    assert "quality" in result["refused"][0]["problem"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"items": []},
        "text",
        7,
        [7],
        {"format": "sync_assets.watchlist", "version": 2, "items": []},
        {"format": "sync_assets.watchlist", "version": 1},
        {
            "format": "sync_assets.watchlist",
            "version": 1,
            "items": [],
            "settings": {"check_interval_hours": 999},
        },
    ],
)
def test_what_is_no_watchlist_is_refused_and_changes_nothing(client, alice, document):
    before = exported(client, alice)
    answer = client.post("/api/watchlist/import", json=document, headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "backup")
    assert exported(client, alice) == before


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'["\\u0000"]', b"[" * 5_000, b"1e999"])
def test_what_is_no_json_is_400(client, alice, body):
    answer = client.post("/api/watchlist/import", content=body, headers=alice)
    assert answer.status_code == 400


OLD = {
    "id": "f1",
    "user_id": "alice",
    "anime_title": "Frieren",
    "anime_url": "https://public.example/catalogue/frieren/",
    "provider_id": "anime-sama",
    "lang": "vostfr",
    "last_episode_downloaded": 3,
    "auto_download": True,
    "quality_preference": "1080p",
    "poster_image": "https://other.example/p.jpg",
    "synopsis": "Une elfe.",
    "genres": ["Fantasy"],
    "status": "active",
    "last_checked": "2025-01-01T00:00:00",
}


@pytest.mark.parametrize(
    "document",
    [
        [OLD],
        {"watchlist": [OLD]},
        {"items": {"f1": OLD}},
        {"f1": OLD},
        {"alice": [OLD]},
        {"alice": {"items": [OLD], "settings": {"check_interval_hours": 6}}},
    ],
)
def test_the_earlier_form_is_read_in_all_its_shapes(client, alice, document):
    assert imported(client, alice, document)["added"] == 1
    (item,) = client.get("/api/watchlist", headers=alice).json()["items"]
    assert (item["title"], item["provider"], item["quality"]) == ("Frieren", "animesama", "1080p")
    assert (item["language"], item["genres"]) == ("vostfr", ["Fantasy"])
    assert item["episodes"] == {"had": 3}
    assert imported(client, alice, document)["kept"] == 1
