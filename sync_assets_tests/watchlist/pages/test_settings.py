"""The page of the settings: settings, scheduler, shares, backups."""

import json
import re

import pytest

from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.watchlist import shares, user_settings
from sync_assets.watchlist.models import ItemState, ShareKind
from sync_assets_tests.watchlist.pages.conftest import plain

GOOD = {"check_interval_hours": "12", "max_concurrent_auto_downloads": "4"}


def test_settings_are_kept_and_a_box_that_is_not_checked_is_off(ledger, client, text_of):
    client.post("/watchlist/settings", data=GOOD | {"auto_download_enabled": "true"})
    assert "The settings are saved." in text_of("/watchlist/settings")
    with ledger.read() as connection:
        kept = user_settings.read(connection, "alice")
    assert (kept.check_interval_hours, kept.max_concurrent_auto_downloads) == (12, 4)
    assert (kept.auto_download_enabled, kept.notify_on_new_episodes) == (True, False)


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("check_interval_hours", "169", "from 1 to 168"),
        ("check_interval_hours", "", "Must be a whole number."),
        ("max_concurrent_auto_downloads", "0", "from 1 to 64"),
    ],
)
def test_a_setting_out_of_its_range_says_the_range(ledger, client, field, text, problem):
    answer = client.post("/watchlist/settings", data=GOOD | {field: text})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error"[^>]*>[^<]*{problem}', answer.text)
    with ledger.read() as connection:
        assert user_settings.read(connection, "alice") == user_settings.UserSettings()


def test_the_scheduler_is_shown_to_all_and_run_by_administrators(ledger, client, text_of):
    text = text_of("/watchlist/settings")
    assert "Dagster cannot be asked now." in text
    assert "Administrators start and stop it" in text
    assert client.post("/watchlist/settings/scheduler/stop").status_code == 403
    with ledger.write() as connection:
        _, token = create_token(connection, "operator", Scope.ADMIN)
    client.post("/sign-in", data={"token": token})
    assert "Stop" in text_of("/watchlist/settings")
    answer = client.post("/watchlist/settings/scheduler/stop")
    assert answer.status_code == 503
    assert "scripts/run" in answer.text


def test_a_shares_address_is_shown_once_and_leads_nowhere_when_it_is_revoked(client, text_of):
    made = client.post("/watchlist/settings/shares", data={"kind": "list", "name": "Marie"}).text
    (path,) = set(re.findall(r"/lists/[A-Za-z0-9_-]{43}", made))
    settings = client.get("/watchlist/settings").text
    assert "Marie" in settings
    assert path not in settings
    client.cookies.clear()
    assert "What is watched" in text_of(path)
    assert client.get(path, headers={"Accept": "*/*"}).json() == {"items": []}


def test_a_revoked_share_is_gone(ledger, client):
    with ledger.write() as connection:
        row, secret = shares.create(connection, "alice", ShareKind.LIST)
        foreign, _ = shares.create(connection, "bob", ShareKind.LIST)
    client.post(f"/watchlist/settings/shares/{row.id}/revoke")
    assert client.get(f"/lists/{secret}").status_code == 404
    answer = client.post(f"/watchlist/settings/shares/{foreign.id}/revoke")
    assert answer.status_code == 404


def test_a_shared_list_shows_what_is_watched_and_neither_where_nor_by_whom(
    ledger, add, client, text_of
):
    add(title="星空", state=ItemState.COMPLETED, url="https://secret.example/passkey")
    theirs = add("bob", title="Foreign")
    with ledger.write() as connection:
        _, secret = shares.create(connection, "alice", ShareKind.LIST)
    client.cookies.clear()
    answer = client.get(f"/lists/{secret}")
    text = plain(answer.text)
    assert "星空" in text
    assert "Completed" in text
    for hidden in ("secret.example", "alice", "Foreign"):
        assert hidden not in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    (poster,) = re.findall(r'src="(/lists/[^"]+/posters/[^"]+)"', answer.text)
    assert client.get(poster).headers["content-type"] == "image/svg+xml"
    assert client.get(f"/lists/{secret}/posters/{theirs.id}").status_code == 404
    assert client.get(f"/lists/{'A' * 43}/posters/{theirs.id}").status_code == 404


def test_a_backup_goes_out_and_comes_in(ledger, add, client, text_of):
    add(title="Étoile")
    backup = client.get("/watchlist/export")
    assert backup.headers["content-disposition"] == 'attachment; filename="watchlist.json"'
    client.post("/watchlist/1/delete")
    file = {"file": ("watchlist.json", backup.content, "application/json")}
    assert "New items 1" in plain(client.post("/watchlist/import", files=file).text)
    assert "Étoile" in text_of("/watchlist")
    assert "There already 1" in plain(client.post("/watchlist/import", files=file).text)


def test_what_of_a_backup_is_refused_is_named(client):
    items = [
        {"url": "https://feeds.example/1.xml", "title": "Good", "provider": "feed"},
        {"url": "ftp://feeds.example/2.xml", "title": "Bad", "provider": "feed"},
    ]
    document = {"format": "sync_assets.watchlist", "version": 1, "items": items}
    file = {"file": ("watchlist.json", json.dumps(document).encode(), "application/json")}
    text = plain(client.post("/watchlist/import", files=file).text)
    assert "New items 1" in text
    assert "Item 2: url:" in text


@pytest.mark.parametrize("content", [b"", b"{", b'"text"', b"\xff\xfe"])
def test_a_file_that_is_no_backup_says_so(client, content):
    file = {"file": ("watchlist.json", content, "application/json")}
    answer = client.post("/watchlist/import", files=file)
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text
