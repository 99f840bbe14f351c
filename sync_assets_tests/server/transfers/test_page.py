"""The page "Transfers" without a browser: what it shows, and what its forms do."""

import re

import pytest
from starlette.testclient import TestClient

from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.server.pages.access import SESSION_COOKIE
from sync_assets_tests.server.transfers.conftest import PUBLIC

OWN = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
HTMX = {**OWN, "HX-Request": "true"}


@pytest.fixture
def browser_of_user(client: TestClient, ledger) -> TestClient:
    """A client that is signed in."""
    with ledger.write() as connection:
        token, _ = create_token(connection, "test user", Scope.USER)
    sealed = client.app.state.context.cookies.seal(SESSION_COOKIE, token.id)
    client.cookies.set(SESSION_COOKIE, sealed)
    return client


def test_nobody_sees_it_without_signing_in(client):
    answer = client.get("/transfers", headers=OWN, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_another_site_changes_nothing(browser_of_user, transfers):
    download_id = transfers.add("film.mkv")
    foreign = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    address = f"/transfers/downloads/{download_id}/cancel"
    assert browser_of_user.post(address, headers=foreign).status_code == 403
    assert len(transfers.events("relay_download", download_id)) == 1


def test_it_shows_transfers_with_what_can_be_done(browser_of_user, transfers):
    failed, done = transfers.add("broken.mkv"), transfers.add("done.mkv?token=secret")
    transfers.fail(failed)
    transfers.complete(done)
    transfers.upload(done, "uploading", target="onedrive", uploaded_bytes=1, total_bytes=4)
    page = browser_of_user.get("/transfers", headers=OWN)
    assert page.status_code == 200
    assert "The origin has no such file. Check the link." in page.text
    assert f'hx-post="/transfers/downloads/{failed}/retry"' in page.text
    assert re.search(r"25 % · 1 B of 4 B", page.text)
    assert "secret" not in page.text
    assert "<script>" not in page.text
    assert "style=" not in page.text


def test_names_are_text(browser_of_user, transfers):
    transfers.add("x.mkv", name="<script>alert(1)</script>")
    assert "<script>alert" not in browser_of_user.get("/transfers", headers=OWN).text


def test_it_is_filtered_and_paged(browser_of_user, transfers):
    for number in range(32):
        transfers.add(f"film-{number:02}.mkv")
    transfers.fail(transfers.add("broken.mkv"))
    first = browser_of_user.get("/transfers", headers=OWN).text
    assert "film-31.mkv" in first
    assert "film-00.mkv" not in first
    older = re.search(r'href="(/transfers\?[^"]*cursor=\d+)"', first)
    assert older is not None
    rest = browser_of_user.get(older[1].replace("&amp;", "&"), headers=OWN).text
    assert "film-00.mkv" in rest
    assert "film-31.mkv" not in rest
    only = browser_of_user.get("/transfers?show=failed", headers=OWN).text
    assert "broken.mkv" in only
    assert "film-" not in only
    assert "Nothing fits" in browser_of_user.get("/transfers?text=nothing", headers=OWN).text


def test_a_button_answers_with_the_changed_part_or_leads_back(browser_of_user, transfers):
    download_id = transfers.add("film.mkv")
    part = browser_of_user.post(f"/transfers/downloads/{download_id}/pause", headers=HTMX)
    assert part.text.startswith("<article") or "<article" in part.text
    assert "Resume" in part.text
    assert "<html" not in part.text
    whole = browser_of_user.post(
        f"/transfers/downloads/{download_id}/resume", headers=OWN, follow_redirects=False
    )
    assert whole.headers["location"] == f"/transfers#download-{download_id}"
    upload_id = transfers.upload(download_id, "waiting_download")
    part = browser_of_user.post(f"/transfers/uploads/{upload_id}/cancel", headers=HTMX)
    assert "Cancelled" in part.text


def test_what_is_not_possible_is_said(browser_of_user, transfers):
    download_id = transfers.add("film.mkv")
    transfers.complete(download_id)
    answer = browser_of_user.post(f"/transfers/downloads/{download_id}/pause", headers=HTMX)
    assert answer.status_code == 409
    assert "nothing to pause" in answer.text


def test_a_record_is_deleted_with_its_file(browser_of_user, transfers):
    download_id = transfers.add("film.mkv")
    path = transfers.complete(download_id)
    answer = browser_of_user.post(
        f"/transfers/downloads/{download_id}/delete", headers=HTMX, data={"with_file": "true"}
    )
    assert "The record is deleted." in answer.text
    assert not path.exists()


def test_a_link_is_relayed(browser_of_user, transfers):
    page = browser_of_user.post("/transfers/media", headers=OWN, data={"link": f"{PUBLIC}/a.mkv"})
    assert "It is being relayed." in page.text
    assert "a.mkv" in page.text
    refused = browser_of_user.post(
        "/transfers/media", headers=OWN, data={"link": "http://127.0.0.1/a.mkv"}
    )
    assert refused.status_code == 400
    assert "relay.allowed_private_hosts" in refused.text
