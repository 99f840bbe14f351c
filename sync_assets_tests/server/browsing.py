"""What tests with a real browser share: a page of a real server, and what all pages must keep."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, ViewportSize

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets_tests.server.process import RunningServer
from sync_assets_tests.support.services import Running

PHONE = ViewportSize(width=320, height=640)


@contextmanager
def browsing(
    browser: Browser, server: RunningServer | Running, *, expected: Sequence[str] = ()
) -> Generator[Page]:
    """Open a page in a browser that knows nothing yet; at the end, complain about its console.

    What the content security policy forbids, scripts that fail and files that are missing all
    leave a message there.

    Args:
        browser: The browser.
        server: The server.
        expected: Parts of messages that belong to the test.
    """
    context = browser.new_context(base_url=server.url)
    problems: list[str] = []
    page = context.new_page()
    page.on(
        "console",
        lambda message: problems.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    unexpected = [each for each in problems if not any(part in each for part in expected)]
    assert not unexpected, unexpected


def sign_in(page: Page, ledger: Ledger, scope: Scope = Scope.ADMIN) -> None:
    """Sign in on whatever page is shown, as a user does; it must be the sign-in."""
    with ledger.write() as connection:
        _, plain_text = create_token(connection, "browser", scope)
    page.get_by_label("Token").fill(plain_text)
    page.get_by_role("button", name="Sign in").click()


def is_wider_than_its_window(page: Page) -> bool:
    """Tell whether one has to scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
