"""List passes: how far down the list to look, and what to do when Pixiv does not answer.

An increment reads the beginning of the list, in steps, until it meets the order that is already
known. It does not count what it knows: old works that were bookmarked anew stand on top, and new
ones may stand below them.
"""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sync_assets.pixiv.account import Account
from sync_assets.pixiv.events import listed_works
from sync_assets.pixiv.gallery_dl import Finished, new_run_directory, remove_run, run_gallery_dl
from sync_assets.pixiv.gallery_dl_config import bookmarks_url, listing_config, work_url
from sync_assets.pixiv.models import ListedWork, Visibility
from sync_assets.pixiv.outcome import REPEATED, OutcomeKind, explain, outcome_of

PAGE_SIZE = 30
STEPS = (PAGE_SIZE, 8 * PAGE_SIZE)
"""How many works an increment lists, one after the other; then the whole list."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """What was read of a list.

    Attributes:
        works: The works, newest bookmark first.
        is_whole: Whether that is the whole list.
        retries: How often a run was repeated.
    """

    visibility: Visibility
    works: list[ListedWork]
    is_whole: bool
    retries: int = 0


def list_bookmarks(
    account: Account, visibility: Visibility, known: Sequence[int], *, full: bool
) -> Listing:
    """Read a list, as far as needed.

    Args:
        account: The account.
        visibility: Which list.
        known: The works that were on it, newest bookmark first.
        full: Whether to read the whole list, and the frames of each ugoira.

    Returns:
        The works.

    Raises:
        PixivUnavailableError: The list could not be read, or not to its end: nothing is known.
        SyncError: gallery-dl cannot be run.
    """
    retries = 0
    url = bookmarks_url(account.settings.user_id, visibility)
    for maximum in () if full or not known else STEPS:
        works, repeated = _list(account, visibility, [url], maximum=maximum)
        retries += repeated
        # Fewer works than asked for do not mean the end: gallery-dl drops some without a word.
        if is_caught_up([work.work_id for work in works], known):
            return Listing(visibility, works, is_whole=False, retries=retries)
        _logger.info("%s: %d works listed, and still new ones: going on", account.name, maximum)
    works, repeated = _list(account, visibility, [url], maximum=0, ugoira=True)
    return Listing(visibility, works, is_whole=True, retries=retries + repeated)


def read_bookmark_tags(account: Account, work_ids: Collection[int]) -> dict[int, list[str]]:
    """Ask for the user's own tags of bookmarks, which lists do not hold.

    Args:
        account: The account.
        work_ids: The works; two requests each.

    Returns:
        The tags by work; works that could not be asked for are left out.

    Raises:
        PixivUnavailableError: Pixiv does not answer.
    """
    urls = [work_url(work_id) for work_id in sorted(work_ids)]
    if not urls:
        return {}
    works, _ = _list(
        account, Visibility.PUBLIC, urls, maximum=0, tags=True, allowed={OutcomeKind.PARTIAL}
    )
    return {work.work_id: list(work.fields["bookmark_tags"] or ()) for work in works}


def is_caught_up(listed: Sequence[int], known: Sequence[int]) -> bool:
    """Tell whether the beginning of a list has met the known order.

    New bookmarks, and old ones made anew, stand above all that were left alone. So below a work
    that was left alone there is nothing new. The last one listed was left alone if every work
    that used to be above it has been seen, whether in its place or moved to the top.

    Args:
        listed: The beginning of the list.
        known: The whole list as it was.
    """
    seen = set(listed)
    if not listed:
        return False
    try:
        place = known.index(listed[-1])
    except ValueError:
        return False
    return all(work_id in seen for work_id in known[:place])


def _list(  # noqa: PLR0913 - all but three are optional, and named
    account: Account,
    visibility: Visibility,
    urls: Sequence[str],
    *,
    maximum: int,
    ugoira: bool = False,
    tags: bool = False,
    allowed: Collection[OutcomeKind] = (),
) -> tuple[list[ListedWork], int]:
    """Run one list pass, again where that may help; return its works and the repetitions."""
    stale_token_dropped = False
    pause = account.pixiv.backoff_initial_seconds
    attempt = 0
    while True:
        directory = new_run_directory(account)
        try:
            config = listing_config(account, directory, maximum=maximum, ugoira=ugoira, tags=tags)
            finished = run_gallery_dl(account, directory, config, urls)
            kind = outcome_of(finished)
            if kind in allowed or (kind is OutcomeKind.COMPLETE and _has_ended(finished)):
                return listed_works(directory, finished.log, visibility), attempt
        finally:
            remove_run(directory)
        if kind is OutcomeKind.STALE_TOKEN and not stale_token_dropped:
            stale_token_dropped = True
            drop_access_token(account)
            continue
        if not may_repeat(account, kind, attempt, pause):
            raise explain(account.name, kind, finished)
        _logger.warning("%s: repeated in %.0f s", explain(account.name, kind, finished), pause)
        time.sleep(pause)
        pause = min(pause * account.pixiv.backoff_multiplier, account.pixiv.backoff_max_seconds)
        attempt += 1


def may_repeat(account: Account, kind: OutcomeKind, attempt: int, pause: float) -> bool:
    """Tell whether a run that failed is repeated in this round."""
    has_time = account.seconds_left() > pause
    return kind in REPEATED and attempt < account.pixiv.retries and has_time


def drop_access_token(account: Account) -> None:
    """Remove the cached access token: gallery-dl would use it until its hour is over."""
    account.cache_path.unlink(missing_ok=True)


def _has_ended(finished: Finished) -> bool:
    """Tell whether gallery-dl wrote its end marker: exit code 0 alone does not say so."""
    return (finished.directory / "finalize-success.jsonl").exists()
