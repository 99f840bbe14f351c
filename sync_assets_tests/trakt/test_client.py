"""The client against every status code, limit and broken answer that Trakt is known for."""

import pytest

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.rate_budgets import RateBudgetExhaustedError, RateLimit, read_budgets
from sync_assets.ledger.schema import rate_budgets
from sync_assets.oauth import ConnectAgainError
from sync_assets.trakt.client import BURST, PERIOD_SECONDS, PERMITS, TraktClient
from sync_assets.trakt.problems import (
    TraktRefusedError,
    TraktResponseError,
    TraktUnavailableError,
)
from sync_assets_tests.upstreams.trakt import TraktUpstream
from sync_assets_tests.upstreams.trakt_contract import contract_path
from sync_assets_tests.upstreams.trakt_library import show

HISTORY = "/sync/history"


def test_the_contract_is_at_hand() -> None:
    if not contract_path().exists():
        pytest.skip(f"{contract_path()} is not there: requests are not compared with it")


def test_pages_follow_the_page_count_although_trakt_clamps_the_limit(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.library.fill(plays=620, shows=10)
    items = client.items(HISTORY)
    assert len({item["id"] for item in items}) == 620
    assert client.requests == 3


def test_the_stand_in_clamps_a_limit_of_1000_to_250(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.library.fill(plays=300, shows=10)
    answer = client._get(HISTORY, {"limit": "1000"})
    assert len(answer.json()) == 250
    assert answer.headers["X-Pagination-Page-Count"] == "2"


def test_an_empty_list_is_one_request(client: TraktClient) -> None:
    assert client.items(HISTORY) == []
    assert client.requests == 1


def test_an_answer_without_page_count_is_not_taken_for_the_whole(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.library.fill(plays=300, shows=10)
    upstream.fail("unpaged", HISTORY)
    with pytest.raises(TraktResponseError, match="how many pages"):
        client.items(HISTORY)


def test_a_list_that_changes_while_it_is_read_is_read_again(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    library = upstream.library
    library.fill(plays=300, shows=10)
    first_page = client._page

    def page_then_play(path, query):
        page = first_page(path, query)
        if client.requests == 1:
            library.watch(show(1))
        return page

    client._page = page_then_play
    assert len(client.items(HISTORY)) == 301
    assert client.requests == 4


@pytest.mark.parametrize("with_header", [True, False], ids=["X-Ratelimit", "no X-Ratelimit"])
def test_429_is_obeyed_with_and_without_x_ratelimit(
    upstream: TraktUpstream,
    client: TraktClient,
    slept: list[float],
    sqlite_ledger: Ledger,
    with_header: bool,
) -> None:
    headers = [("Retry-After", "120")]
    headers += [("X-Ratelimit", '{"name":"AUTHED_API_GET_LIMIT"}')] if with_header else []
    upstream.fail(429, HISTORY, headers=tuple(headers))
    client.items(HISTORY)
    assert client.requests == 2
    assert max(slept) == pytest.approx(120, abs=5)
    with sqlite_ledger.read() as connection:
        (budget,) = read_budgets(connection)
    assert budget.name == "trakt:alice"
    assert budget.blocked_until > 0


def test_a_ban_longer_than_a_run_should_wait_ends_the_run(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.fail(429, HISTORY, headers=(("Retry-After", "3600"),))
    with pytest.raises(RateBudgetExhaustedError):
        client.items(HISTORY)
    assert upstream.api_requests == 1


def test_the_budget_stays_below_the_limit_with_margin() -> None:
    limit = RateLimit("trakt", PERMITS, PERIOD_SECONDS, burst=BURST)
    assert limit.burst + PERIOD_SECONDS / limit.interval_seconds <= 950


def test_a_stand_in_that_enforces_the_limit_never_has_to(
    upstream: TraktUpstream, client: TraktClient, sqlite_ledger: Ledger
) -> None:
    clock = [1_000_000.0]
    upstream.clock = lambda: clock[0]
    upstream.lifetime_seconds = 10**9
    upstream.grants[0].expires_at = 10**9

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        # The ledger's budget keeps real time: let it pass there as well.
        with sqlite_ledger.write() as connection:
            connection.execute(
                rate_budgets.update().values(next_free_at=rate_budgets.c.next_free_at - seconds)
            )

    client._sleep = sleep
    for _ in range(1_200):
        client.last_activities()
    assert upstream.refused == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522])
def test_a_passing_failure_is_tried_again(
    upstream: TraktUpstream, client: TraktClient, status: int
) -> None:
    upstream.library.watch(show(1))
    upstream.fail(status, HISTORY, times=3)
    assert len(client.items(HISTORY)) == 1
    assert client.requests == 4


@pytest.mark.parametrize("fault", [503, "html", "reset", "cut", "slow"])
def test_a_failure_that_stays_ends_with_an_error(
    upstream: TraktUpstream, client: TraktClient, slept: list[float], fault: str | int
) -> None:
    upstream.fail(fault, HISTORY, times=99, seconds=2)
    with pytest.raises(TraktUnavailableError):
        client.items(HISTORY)
    assert client.requests == 4
    pauses = [each for each in slept if each >= 1]
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "client_id"), (404, "base_url"), (420, "limit"), (423, "locked"), (426, "VIP")]
    + [(status, "refuses") for status in (400, 409, 412, 422)],
)
def test_a_refusal_is_not_repeated_and_says_what_to_do(
    upstream: TraktUpstream, client: TraktClient, status: int, words: str
) -> None:
    upstream.fail(status, HISTORY, times=99)
    with pytest.raises(TraktRefusedError, match=words):
        client.items(HISTORY)
    assert client.requests == 1


def test_an_upgrade_address_is_passed_on(upstream: TraktUpstream, client: TraktClient) -> None:
    upstream.fail(420, HISTORY, headers=(("X-Upgrade-URL", "https://trakt.tv/vip"),))
    with pytest.raises(TraktRefusedError, match=r"https://trakt\.tv/vip"):
        client.items(HISTORY)


def test_a_401_in_the_middle_of_a_run_renews_once_and_goes_on(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.library.fill(plays=600, shows=10)
    upstream.fail(401, HISTORY, skip=1)
    assert len(client.items(HISTORY)) == 600
    assert upstream.refreshes == ["refresh-1"]
    assert client.requests == 4


def test_a_401_for_the_new_token_as_well_means_connect_again(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.fail(401, HISTORY, times=99)
    with pytest.raises(ConnectAgainError):
        client.items(HISTORY)
    with pytest.raises(ConnectAgainError):
        client.items(HISTORY)
    assert client.requests == 2
    assert upstream.refreshes == ["refresh-1"]


def test_a_revoked_account_is_asked_once_and_then_left_alone(
    upstream: TraktUpstream, client: TraktClient
) -> None:
    upstream.revoke_all()
    for _ in range(3):
        with pytest.raises(ConnectAgainError):
            client.last_activities()
    assert upstream.api_requests == 1
    assert len(upstream.refreshes) == 1


def test_no_error_holds_a_token(upstream: TraktUpstream, client: TraktClient) -> None:
    for fault in (403, 420, 503, "html", 401):
        upstream.faults.clear()
        upstream.fail(fault, HISTORY, times=99)
        with pytest.raises(SyncError) as caught:
            client.items(HISTORY)
        assert "access-" not in str(caught.value)
        assert "refresh-" not in str(caught.value)
        assert "secret" not in str(caught.value).replace("client_secret", "")
