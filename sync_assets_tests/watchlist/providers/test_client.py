"""Pages are fetched politely and within limits, and never from where users may not reach."""

import pytest

from sync_assets.addresses import AddressGuard
from sync_assets.settings.watchlist import WatchlistFetchingSettings
from sync_assets.watchlist.providers.client import USER_AGENT, PageClient
from sync_assets.watchlist.providers.feeds import FeedProvider
from sync_assets.watchlist.providers.models import (
    ListStatus,
    PageState,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.pacing import LedgerPace, ProcessPace
from sync_assets.watchlist.providers.protocol import (
    AddressRefusedError,
    PageBlockedError,
    PageUnavailableError,
)
from sync_assets.watchlist.providers.ytdlp import YtDlpProvider
from sync_assets_tests.upstreams.feed_site import Document, Fault, FeedSite
from sync_assets_tests.watchlist.providers import samples


@pytest.fixture
def site():
    with FeedSite() as running:
        running.documents["/feed"] = Document(samples.feed(*samples.EPISODES).encode())
        yield running


def make_client(allowed=("127.0.0.1",), pace=None, sleep=None, resolver=None, **settings):
    limits = WatchlistFetchingSettings(
        **{"requests_per_second": 20, "timeout_seconds": 5, **settings}
    )
    guard = AddressGuard(
        allowed,
        setting="watchlist.allowed_private_hosts",
        **({"resolver": resolver} if resolver else {}),
    )
    return PageClient(limits, guard, pace or ProcessPace(20), sleep or (lambda _: None))


@pytest.fixture
def client():
    with make_client() as made:
        yield made


def test_it_says_who_it_is_and_sends_no_cookies_back(site, client):
    site.documents["/feed"] = Document(b"x", headers={"Set-Cookie": "a=b; Path=/"})
    client.get(f"{site.url}/feed")
    client.get(f"{site.url}/feed")
    for received in site.received:
        assert received.headers["user-agent"] == USER_AGENT
        assert "cookie" not in received.headers


def test_it_asks_for_changes_only(site, client):
    first = client.get(f"{site.url}/feed")
    again = client.get(f"{site.url}/feed", state=first.state)
    assert again.is_unchanged
    assert again.content == b""
    assert site.received[1].headers["if-modified-since"] == first.state.last_modified
    site.documents["/feed"] = Document(b"new")
    assert client.get(f"{site.url}/feed", state=first.state).content == b"new"


def test_a_state_of_another_time_is_no_obstacle(site, client):
    page = client.get(f"{site.url}/feed", state=PageState(etag='"other"'))
    assert page.content == site.documents["/feed"].body


def test_compressed_pages_and_their_limit(site):
    site.documents["/small"] = Document(b"a" * 2_000, is_gzip=True)
    site.documents["/bomb"] = Document(b"a" * 5_000_000, is_gzip=True)
    with make_client(maximum_bytes=100_000) as client:
        assert client.get(f"{site.url}/small").content == b"a" * 2_000
        with pytest.raises(PageUnavailableError, match="larger than"):
            client.get(f"{site.url}/bomb")


def test_too_many_requests_block_the_host_for_as_long_as_it_asks(site):
    now = [1000.0]
    with make_client(pace=ProcessPace(20, clock=lambda: now[0])) as client:
        site.faults["/feed"] = Fault.TOO_MANY
        with pytest.raises(PageUnavailableError) as raised:
            client.get(f"{site.url}/feed")
        assert raised.value.retry_after_seconds == 120
        del site.faults["/feed"]
        with pytest.raises(PageUnavailableError, match="left alone"):
            client.get(f"{site.url}/feed")
        assert len(site.received) == 1
        now[0] += 121
        assert client.get(f"{site.url}/feed").content


def test_requests_to_one_host_are_spread(site):
    now = [0.0]
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    with make_client(pace=ProcessPace(0.5, clock=lambda: now[0]), sleep=sleep) as client:
        for _ in range(3):
            client.get(f"{site.url}/feed")
    assert slept == [2, 2]


def test_the_pace_is_shared_by_the_ledger(sqlite_ledger):
    one, other = LedgerPace(sqlite_ledger, 0.1), LedgerPace(sqlite_ledger, 0.1)
    assert one.delay("feeds.example") == 0
    assert 5 < (other.delay("feeds.example") or 0) <= 10
    assert other.delay("other.example") == 0
    one.block("other.example", 3600)
    assert other.delay("other.example") is None


@pytest.mark.parametrize("fault", [Fault.CHALLENGE, Fault.CHALLENGE_200, Fault.FORBIDDEN])
def test_a_site_that_wants_no_programs_is_left_alone(site, client, fault):
    site.faults["/feed"] = fault
    with pytest.raises(PageBlockedError):
        client.get(f"{site.url}/feed")
    assert len(site.received) == 1


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOOP, Fault.SERVER_ERROR])
def test_what_fails_is_said(site, client, fault):
    site.faults["/feed"] = fault
    with pytest.raises(PageUnavailableError) as raised:
        client.get(f"{site.url}/feed")
    assert raised.value.remedy


def test_a_silent_site_is_given_up(site):
    site.faults["/feed"] = Fault.SILENT
    with make_client(timeout_seconds=0.2) as client:
        with pytest.raises(PageUnavailableError, match="no answer in time"):
            client.get(f"{site.url}/feed")


def test_each_failure_is_a_result_of_the_provider(site, client):
    series = SeriesReference(f"{site.url}/feed")
    statuses = []
    for fault in (Fault.SERVER_ERROR, Fault.CHALLENGE, Fault.TOO_MANY):
        site.faults["/feed"] = fault
        statuses.append(FeedProvider().episodes(series, client))
    assert [each.status for each in statuses] == [
        ListStatus.BROKEN,
        ListStatus.BLOCKED,
        ListStatus.BROKEN,
    ]
    assert statuses[2].retry_after_seconds == 120


def test_a_feed_over_the_wire(site, client):
    series = SeriesReference(f"{site.url}/feed")
    first = FeedProvider().episodes(series, client)
    assert len(first.episodes) == 4
    again = FeedProvider().episodes(series, client, first.state)
    assert (again.is_unchanged, again.episodes) == (True, ())


def test_a_wrong_charset_in_the_header_is_not_believed(site, client):
    text = "<rss version='2.0'><channel><title>星</title><item><title>星空 - 05</title><link>https://x.example/1.torrent</link></item></channel></rss>"
    site.documents["/feed"] = Document(text.encode("gb18030"), "text/xml; charset=utf-8")
    page = client.get(f"{site.url}/feed")
    assert page.text == text
    result = FeedProvider().episodes(SeriesReference(f"{site.url}/feed"), client)
    assert result.episodes[0].variants[0].name == "星空 - 05"


def test_redirections_are_followed(site, client):
    site.redirections["/old"] = "/feed"
    page = client.get(f"{site.url}/old")
    assert page.url == f"{site.url}/feed"


def test_a_redirection_into_a_private_network_is_refused(site):
    # The site is reached by an allowed name; what it leads to is not allowed.
    addresses = {"site.example": ["127.0.0.1"], "router.example": ["192.168.1.1"]}
    with make_client(
        ("site.example",), resolver=lambda host, _: addresses.get(host, [host])
    ) as client:
        base = f"http://site.example:{site.port}"
        site.redirections["/name"] = "http://router.example/admin"
        site.redirections["/number"] = "http://169.254.169.254/latest/meta-data/"
        site.redirections["/file"] = "file:///etc/passwd"
        assert client.get(f"{base}/feed").content
        for path in ("/name", "/number", "/file"):
            with pytest.raises(AddressRefusedError):
                client.get(f"{base}{path}")


def test_a_second_answer_of_the_name_server_leads_nowhere_else(site):
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    with make_client((), resolver=lambda *_: next(answers), timeout_seconds=0.2) as client:
        # The first answer is public, so the connection goes there and not to what comes second.
        with pytest.raises(PageUnavailableError):
            client.get(f"http://rebinding.example:{site.port}/feed")
        with pytest.raises(AddressRefusedError):
            client.get(f"http://rebinding.example:{site.port}/feed")
    assert site.received == []


def test_no_secret_of_an_address_is_in_an_error(site, client):
    with pytest.raises(PageUnavailableError) as raised:
        client.get(f"http://user:password@127.0.0.1:{site.port}/none?apikey=secret")
    assert "secret" not in str(raised.value)
    assert "password" not in str(raised.value)


def test_what_asks_by_itself_has_its_address_judged_first():
    asked = []
    provider = YtDlpProvider(extract=lambda url: asked.append(url) or {})
    with make_client(()) as client:
        result = provider.episodes(SeriesReference("http://127.0.0.1/video"), client)
        variant = Variant("http://127.0.0.1/video", VariantKind.PAGE, key="x")
        with pytest.raises(AddressRefusedError):
            provider.resolve(variant, client)
    assert result.status is ListStatus.BROKEN
    assert asked == []


def test_a_redirection_to_no_address_is_a_failure_like_others(site, client):
    site.redirections["/old"] = "http://["
    with pytest.raises(PageUnavailableError):
        client.get(f"{site.url}/old")
