"""A real browser: the Chromium of the system, driven by Playwright."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")

_ARGUMENTS = (
    # Tests run as root where Chromium's own sandbox cannot start.
    "--no-sandbox",
    # Containers often have 64 MB of shared memory.
    "--disable-dev-shm-usage",
)


def find_chromium() -> str | None:
    """Return the program, or None where it is not installed."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextmanager
def running_chromium(program: str) -> Generator[Browser]:
    """Run a headless browser for the length of a block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
