"""What cannot be is refused with 422, and with what can be, before anything is stored."""

import json
from pathlib import Path

import pytest

FORM = {"url": "https://public.example/show.xml", "title": "Show", "provider": "feed"}


@pytest.fixture
def migrated_url(tmp_path: Path) -> str:
    """One kind of database: nothing comes as far as there."""
    return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("check_interval_hours", 0, "1 to 168"),
        ("check_interval_hours", 169, "1 to 168"),
        ("check_interval_hours", 10**300, "1 to 168"),
        ("check_interval_hours", True, "integer"),
        ("numbering_offset", 10_001, "-10000 to 10000"),
        ("expected_episodes", 0, "1 to 100000"),
        ("quality", "4K", "'480p'"),
        ("status", "done", "'archived'"),
        ("title", "a\x00b", "NUL"),
        ("title", "  ", "empty"),
        ("title", "x" * 501, "500"),
        ("title", None, "string"),
        ("synopsis", "\ud800", "surrogate"),
        ("url", "ftp://public.example/", "http"),
        ("url", "javascript:alert(1)", "http"),
        ("url", "https://public.example/\n", "spaces"),
        ("url", "https:///nothing", "http"),
        ("poster_url", "file:///etc/passwd", "http"),
        ("provider", "../x", "match"),
        ("genres", ["x"] * 51, "50"),
        ("ends_on", "soon", "date"),
        ("owner", "bob", "not permitted"),
    ],
)
def test_what_cannot_be_is_422_and_says_what_can(  # noqa: PLR0917 - fixtures
    client, alice, add, field, value, told
):
    item = add()["id"]
    body = json.dumps({field: value})
    answer = client.put(
        f"/api/watchlist/{item}",
        content=body,
        headers={**alice, "Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    (problem,) = answer.json()["error"]["fields"]
    assert field in problem["location"]
    assert told in problem["message"]


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://private.example/feed.xml",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_an_address_in_a_private_network_is_refused(client, alice, url):
    answer = client.post("/api/watchlist", json={**FORM, "url": url}, headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "address_refused")
    assert "allowed_private_hosts" in answer.json()["error"]["remedy"]
    preview = client.post("/api/watchlist/preview", json={"url": url}, headers=alice)
    assert preview.status_code == 422


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "offset=-1", "sort=owner", "status=gone", "text=%00", "limit=x"],
)
def test_a_page_that_cannot_be_is_422(client, alice, query):
    assert client.get(f"/api/watchlist?{query}", headers=alice).status_code == 422


@pytest.mark.parametrize("item", ["0", "-1", str(2**63), "x", "1.5", "%00"])
def test_an_id_that_cannot_be_is_422(client, alice, item):
    assert client.get(f"/api/watchlist/{item}", headers=alice).status_code == 422


@pytest.mark.parametrize("rows", [[], [FORM] * 101])
def test_a_batch_has_a_size(client, alice, rows):
    assert (
        client.post("/api/watchlist/batch", json={"items": rows}, headers=alice).status_code == 422
    )


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("check_interval_hours", 169, "1 to 168"),
        ("check_interval_hours", -1, "1 to 168"),
        ("max_concurrent_auto_downloads", 0, "1 to 64"),
        ("max_concurrent_auto_downloads", 65, "1 to 64"),
        ("auto_download_enabled", "perhaps", "boolean"),
        ("notify_on_new_episodes", None, "boolean"),
    ],
)
def test_settings_out_of_range_are_422_with_the_range(client, alice, name, value, told):
    answer = client.put("/api/watchlist/settings", json={name: value}, headers=alice)
    assert answer.status_code == 422
    assert told in answer.json()["error"]["fields"][0]["message"]
