"""What every provider must keep to, as checks that need nothing but the provider and its pages.

Packages with providers of their own run them in their tests:

    problems = check_provider(provider, sample)
    assert problems == []
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sync_assets.watchlist.providers.listing import merged
from sync_assets.watchlist.providers.models import (
    ListResult,
    ListStatus,
    PageState,
    SeriesReference,
)
from sync_assets.watchlist.providers.pages import Page
from sync_assets.watchlist.providers.protocol import (
    PageBlockedError,
    PageUnavailableError,
    Provider,
)

MAXIMUM_REQUESTS = 20


@dataclass(frozen=True)
class Sample:
    """Recorded or hand-written pages of a provider.

    Attributes:
        series: What is looked for in them.
        pages: The pages by address.
        fewer: The same site later, with less on it.
        nothing: The same addresses without any list on them.
        numbers: The numbers that must come out, in order; holes in the list keep theirs.
        maximum_requests: The most requests for one look.
    """

    series: SeriesReference
    pages: Mapping[str, Page]
    fewer: Mapping[str, Page]
    nothing: Mapping[str, Page]
    numbers: Sequence[str]
    maximum_requests: int = MAXIMUM_REQUESTS


@dataclass
class ReplayClient:
    """Gives recorded pages; what is not among them cannot be had.

    Attributes:
        pages: The pages by address.
        error: What to raise instead.
        requests: How many pages were asked for.
    """

    pages: Mapping[str, Page]
    error: PageUnavailableError | None = None
    requests: int = field(default=0)

    def check(self, url: str) -> None:  # noqa: ARG002 - the protocol's
        """Let every address pass, unless all fail."""
        if self.error is not None:
            raise self.error

    def get(self, url: str, *, state: PageState | None = None, referer: str | None = None) -> Page:  # noqa: ARG002 - the protocol's
        """Give a page, or say that it is what it was."""
        self.requests += 1
        if self.error is not None:
            raise self.error
        page = self.pages.get(url)
        if page is None:
            message = f"{url} is not among the recorded pages."
            raise PageUnavailableError(message, remedy="Record it.")
        if state is not None and state.etag is not None and state == page.state:
            return Page(url, state=state, is_unchanged=True)
        return page

    def post(self, url: str, fields: Mapping[str, str], *, referer: str | None = None) -> Page:  # noqa: ARG002 - the protocol's
        """Give a page."""
        return self.get(url)


def check_provider(provider: Provider, sample: Sample) -> list[str]:
    """Check a provider.

    Args:
        provider: The provider.
        sample: Its pages.

    Returns:
        What is wrong with it; empty where it conforms.
    """
    problems: list[str] = []
    for rule, check in _CHECKS.items():
        problems += [f"{rule}: {each}" for each in check(provider, sample)]
    return problems


def _look(
    provider: Provider,
    sample: Sample,
    pages: Mapping[str, Page],
    state: Mapping[str, PageState] | None = None,
    error: PageUnavailableError | None = None,
) -> tuple[ListResult, int]:
    client = ReplayClient(pages, error)
    return provider.episodes(sample.series, client, state), client.requests


def _lists_the_same_twice(provider: Provider, sample: Sample) -> Iterator[str]:
    first, _ = _look(provider, sample, sample.pages)
    second, _ = _look(provider, sample, sample.pages)
    if first != second:
        yield "looking twice gives two results"
    if first.status is not ListStatus.OK:
        yield f"the status is {first.status.value}, not ok: {first.message}"
    keys = [episode.key for episode in first.episodes]
    if len(set(keys)) != len(keys):
        yield "two episodes have the same key"
    for episode in first.episodes:
        variants = [variant.key for variant in episode.variants]
        if not variants or len(set(variants)) != len(variants):
            yield f"{episode.key} has no variant, or one twice"


def _keeps_numbers(provider: Provider, sample: Sample) -> Iterator[str]:
    result, _ = _look(provider, sample, sample.pages)
    found = [
        "" if each.number is None else f"{each.number.normalize():f}" for each in result.episodes
    ]
    if found != list(sample.numbers):
        yield f"the numbers are {found}, not {list(sample.numbers)}"


def _tells_nothing_from_empty(provider: Provider, sample: Sample) -> Iterator[str]:
    result, _ = _look(provider, sample, sample.nothing)
    if result.status is not ListStatus.NO_DATA:
        yield f"pages without a list give {result.status.value}, not no_data"
    if result.episodes or result.state:
        yield "pages without a list give episodes, or a state to ask with"


def _fewer_deletes_nothing(provider: Provider, sample: Sample) -> Iterator[str]:
    before, _ = _look(provider, sample, sample.pages)
    after, _ = _look(provider, sample, sample.fewer)
    if after.status is not ListStatus.OK:
        yield f"fewer episodes give {after.status.value}, not ok"
    known, _ = merged({}, before)
    every, new = merged(known, after)
    if known.keys() - every.keys():
        yield "episodes are gone because the site lists fewer"
    if new:
        yield f"episodes are new because the site lists fewer: {[each.key for each in new]}"


def _asks_for_changes_only(provider: Provider, sample: Sample) -> Iterator[str]:
    first, _ = _look(provider, sample, sample.pages)
    if not first.state:
        return
    again, _ = _look(provider, sample, sample.pages, first.state)
    if again.status is not ListStatus.OK or not again.is_unchanged or again.episodes:
        yield "an unchanged site is not reported as unchanged"
    if dict(again.state) != dict(first.state):
        yield "an unchanged site loses its state"


def _reports_failures(provider: Provider, sample: Sample) -> Iterator[str]:
    errors: Sequence[tuple[Callable[..., PageUnavailableError], ListStatus]] = (
        (PageUnavailableError, ListStatus.BROKEN),
        (PageBlockedError, ListStatus.BLOCKED),
    )
    for error, status in errors:
        result, _ = _look(provider, sample, {}, error=error("It fails.", remedy="Wait."))
        if result.status is not status or not result.message:
            yield f"{status.value} pages give {result.status.value}"
        if result.state:
            yield f"{status.value} pages give a state to ask with"


def _spares_the_site(provider: Provider, sample: Sample) -> Iterator[str]:
    _, requests = _look(provider, sample, sample.pages)
    if requests > sample.maximum_requests:
        yield f"one look takes {requests} requests, more than {sample.maximum_requests}"


def _survives_rubbish(provider: Provider, sample: Sample) -> Iterator[str]:
    for content in (b"", b"\x00\xff" * 50, b"<", b"<html><script>var episodes = [", b"[" * 5_000):
        pages = {url: Page(url, content) for url in sample.pages}
        result, _ = _look(provider, sample, pages)
        if result.status is ListStatus.OK and result.episodes:
            yield f"{content[:20]!r} gives episodes"


_CHECKS: Mapping[str, Callable[[Provider, Sample], Iterator[str]]] = {
    "lists the same twice": _lists_the_same_twice,
    "keeps numbers": _keeps_numbers,
    "tells nothing from empty": _tells_nothing_from_empty,
    "deletes nothing": _fewer_deletes_nothing,
    "asks for changes only": _asks_for_changes_only,
    "reports failures": _reports_failures,
    "spares the site": _spares_the_site,
    "survives rubbish": _survives_rubbish,
}
