"""The page "Transfers" in a real browser: it follows what happens, and needs no mouse."""

import pytest
from playwright.sync_api import expect

from sync_assets.ledger.tokens import Scope
from sync_assets.relay import downloads
from sync_assets.relay.models import DownloadState
from sync_assets_tests.server.browsing import (
    PHONE,
    browsing,
    is_wider_than_its_window,
    sign_in,
)
from sync_assets_tests.server.process import running_server
from sync_assets_tests.server.transfers.conftest import Transfers

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

RELAY = {"SYNC_RELAY__ENABLED": "true"}
SLOWLY = 60_000


def test_it_follows_a_download_also_over_a_restart_of_the_server(browser, ledger, tmp_path):
    transfers = Transfers(ledger, tmp_path / "downloads")
    with running_server(tmp_path, RELAY) as server:
        with browsing(browser, server, expected=["WebSocket"]) as page:
            page.goto("/transfers")
            sign_in(page, ledger, Scope.USER)
            expect(page.get_by_text("Nothing has been relayed yet")).to_be_visible()

            download_id = transfers.add("film.mkv")
            card = page.get_by_role("article", name="film.mkv")
            expect(card.get_by_text("Pending")).to_be_visible(timeout=SLOWLY)
            with ledger.write() as connection:
                row = downloads.get(connection, download_id)
                downloads.move(
                    connection,
                    [
                        downloads.Move(
                            row, DownloadState.DOWNLOADING, columns={"total_bytes": 1_000}
                        )
                    ],
                    run_id=None,
                )
            expect(card.get_by_text("Downloading")).to_be_visible(timeout=SLOWLY)
            with ledger.write() as connection:
                downloads.set_progress(
                    connection, download_id, completed_bytes=420, bytes_per_second=10
                )
            expect(card.get_by_text("42 %")).to_be_visible(timeout=SLOWLY)
            expect(page.locator("[data-speed=downloads]")).to_have_text("10 B/s", timeout=SLOWLY)

            card.get_by_role("button", name="Pause").focus()
            page.keyboard.press("Enter")
            expect(card.get_by_text("Paused by the user.")).to_be_visible(timeout=SLOWLY)
            expect(card.get_by_role("button", name="Resume")).to_be_visible()

            server.kill()
            transfers.add("while-it-was-away.mkv")
            with running_server(tmp_path, RELAY, port=server.port):
                expect(page.get_by_role("article", name="while-it-was-away.mkv")).to_be_visible(
                    timeout=SLOWLY
                )


def test_a_small_phone_needs_no_sideways_scrolling(browser, ledger, tmp_path):
    transfers = Transfers(ledger, tmp_path / "downloads")
    download_id = transfers.add("A-very-long-name-" * 12 + ".mkv")
    transfers.complete(download_id)
    transfers.upload(download_id, "uploading", uploaded_bytes=1, total_bytes=3)
    with running_server(tmp_path, RELAY) as server, browsing(browser, server) as page:
        page.set_viewport_size(PHONE)
        page.goto("/transfers")
        sign_in(page, ledger, Scope.USER)
        expect(page.get_by_role("heading", name="Transfers")).to_be_visible()
        page.get_by_text("Delete…").click()
        expect(page.get_by_role("button", name="Delete the record")).to_be_visible()
        assert not is_wider_than_its_window(page)
