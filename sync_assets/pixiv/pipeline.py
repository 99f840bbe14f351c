"""The stages of a round, one per asset: what is bookmarked, its files, its animations.

Plain functions over one account; the caller holds the account's lease.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.accounts import (
    AccountState,
    read_account,
    record_acceptance,
    record_full_pass,
    record_listing,
    record_refusal,
    restart_full_pass,
)
from sync_assets.pixiv.animations import convert_animations
from sync_assets.pixiv.announcing import Announce, announce_works
from sync_assets.pixiv.archive import is_empty
from sync_assets.pixiv.bookmarks import (
    merge,
    order_of,
    preload,
    read_bookmarks,
    read_orders,
    write_bookmarks,
)
from sync_assets.pixiv.downloading import Downloads
from sync_assets.pixiv.files import StoredFile, newest_files
from sync_assets.pixiv.gallery_dl import end_orphans
from sync_assets.pixiv.listing import Listing, list_bookmarks, read_bookmark_tags
from sync_assets.pixiv.models import (
    BookmarkState,
    FileKind,
    StageResult,
    Visibility,
    WorkState,
)
from sync_assets.pixiv.outcome import OutcomeKind, PixivUnavailableError
from sync_assets.pixiv.planning import plan_works
from sync_assets.pixiv.presence import (
    adopt_present,
    archived_files,
    missing_files,
    require_library,
)
from sync_assets.pixiv.works import count_untried, count_works

_PICTURES = 12
_PICTURES_OF_QUIET_ROUND = 3
"""Dagster keeps them with each round, and most rounds bring nothing."""

_TAGS_PER_ROUND = 60


@dataclass(frozen=True)
class Round:
    """What the stages of a round work with.

    Attributes:
        account: The account.
        ledger: The ledger.
        lake: The lake.
        announce: Queues the posts of a work.
        run_id: The Dagster run.
    """

    account: Account
    ledger: Ledger
    lake: Lake
    announce: Announce
    run_id: str | None = None


Stage = Callable[[Round], StageResult]


def sync_bookmarks(this: Round) -> StageResult:
    """List the bookmarks, as far as needed, and say which works are wanted.

    Args:
        this: The round.

    Returns:
        What is new, what is gone, and what died.

    Raises:
        PixivUnavailableError: A list could not be read to where it had to be, and nothing
            changed; or it was, and the tags of bookmarks could not be asked for.
    """
    account = this.account
    _recover(this)
    state = _restarted_if_archive_is_gone(this)
    known = read_bookmarks(this.lake, account.name)
    is_doubtful = any(row["missing_since"] is not None for row in known)
    is_due = is_doubtful or _full_pass_is_due(account, state)
    loader = threading.Thread(target=preload)
    loader.start()
    try:
        listings = [
            list_bookmarks(account, visibility, order_of(known, visibility), full=is_due)
            for visibility in account.lists
        ]
    except PixivUnavailableError as error:
        _record_refusal(this, error)
        raise
    finally:
        loader.join()
    whole = [listing.visibility for listing in listings if listing.is_whole]
    listed = [work for listing in listings for work in listing.works]
    merged = merge(known, listed, whole=whole, now=utc_now())
    tags_read, tags_error = 0, None
    try:
        tags_read = _add_bookmark_tags(account, merged.rows)
    except PixivUnavailableError as error:
        # What the lists said is kept; the tags are asked for again by the next round.
        tags_error = error
    write_bookmarks(this.lake, account.name, merged.rows)
    is_full = len(whole) == len(account.lists) and not merged.withheld
    with this.ledger.write() as connection:
        result = plan_works(
            connection,
            account.name,
            merged.rows,
            account.pixiv.filters,
            revived=is_full,
            run_id=this.run_id,
        )
        record_listing(
            connection,
            account.name,
            account.settings.user_id,
            is_full=is_full,
            run_id=this.run_id,
        )
    if tags_error is not None:
        _record_refusal(this, tags_error)
        raise tags_error
    _count(result, listings, merged.rows)
    result.numbers |= {
        "added": len(merged.added),
        "removed": len(merged.removed),
        "changed_state": len(merged.changed_state),
        "bookmark_tags_read": tags_read,
        "full": int(is_full),
    }
    if merged.withheld:
        result.warnings.append(
            f"{len(merged.withheld)} of {len(known)} known bookmarks were suddenly not in the "
            "list. They stay until another listing, at least an hour later, lacks them too."
        )
    return result


def download_files(this: Round) -> StageResult:
    """Get the files of the wanted works, verify them, and queue the posts of complete works.

    Args:
        this: The round.

    Returns:
        What was added, skipped and rejected, and which works failed.

    Raises:
        PixivUnavailableError: Pixiv could not be asked; what came before it is settled.
        SyncError: gallery-dl cannot be run, or there is nowhere to write.
    """
    account = this.account
    _recover(this)
    downloads = Downloads(account, this.ledger, run_id=this.run_id)

    try:
        result = downloads.run(lambda: read_orders(this.lake, account.name, account.lists))
    finally:
        # Whatever came before a failure is announced in any case.
        posts = announce_works(account, this.ledger, this.announce, ugoira=False)
    result.numbers["posts_queued"] = posts
    with this.ledger.write() as connection:
        record_acceptance(connection, account.name)
        state = read_account(connection, account.name, account.settings.user_id)
        is_listed = state.full_listing_at is not None
        if is_listed and state.full_pass_completed_at is None:
            if count_untried(connection, account.name) == 0:
                record_full_pass(connection, account.name, run_id=this.run_id)
            else:
                result.numbers["full_pass_open"] = 1
        counts = count_works(connection, account.name)
        limit = _PICTURES if result.numbers["added"] else _PICTURES_OF_QUIET_ROUND
        newest = newest_files(connection, account.name, 8 * limit)
        result.pictures = _pictures(this, newest)[:limit]
    result.numbers |= {f"works_{each}": counts.get(each, 0) for each in WorkState}
    return result


def make_animations(this: Round) -> StageResult:
    """Convert the animations that have no video yet, and queue their posts.

    Args:
        this: The round.

    Returns:
        What was converted, and what could not be.
    """
    result = convert_animations(this.account, this.ledger, run_id=this.run_id)
    result.numbers["posts_queued"] = sum(
        announce_works(this.account, this.ledger, this.announce, ugoira=ugoira)
        for ugoira in (False, True)
    )
    return result


def _recover(this: Round) -> None:
    """Finish what a killed round began: end its gallery-dl, and settle what that had done."""
    if not any(this.account.runs_directory.glob("*")):
        return
    end_orphans(this.account)
    Downloads(this.account, this.ledger, run_id=this.run_id).recover()


def _record_refusal(this: Round, error: PixivUnavailableError) -> None:
    if error.kind is OutcomeKind.RATE_LIMITED:
        with this.ledger.write() as connection:
            record_refusal(connection, this.account.name, this.account.settings.user_id)


def _restarted_if_archive_is_gone(this: Round) -> AccountState:
    """Start a new full pass where the archive is missing or empty; keep what is on the disk."""
    account = this.account
    with this.ledger.read() as connection:
        state = read_account(connection, account.name, account.settings.user_id)
        is_gone = is_empty(account.archive_path)
        files = archived_files(connection, account.name) if is_gone else []
    if not files:
        return state
    with this.ledger.read() as connection:
        require_library(connection, account)
    missing = missing_files(account.download_directory, files)
    with this.ledger.write() as connection:
        adopt_present(connection, account, files, missing, run_id=this.run_id)
        restart_full_pass(connection, account.name, run_id=this.run_id)
        return read_account(connection, account.name, account.settings.user_id)


def _full_pass_is_due(account: Account, state: AccountState) -> bool:
    if state.full_listing_at is None:
        return True
    age = utc_now() - state.full_listing_at
    # A listing of the future is one of a clock that was wrong.
    return not timedelta(0) <= age < timedelta(hours=account.pixiv.full_pass_hours)


def _add_bookmark_tags(account: Account, rows: list[dict]) -> int:
    """Ask for the bookmark's own tags where they are wanted and not known, some each round."""
    if not account.pixiv.bookmark_tags:
        return 0
    unknown = [
        row
        for row in rows
        if row["removed_at"] is None
        and row["bookmark_tags"] is None
        and row["state"] == BookmarkState.AVAILABLE
    ][:_TAGS_PER_ROUND]
    tags = read_bookmark_tags(account, [row["work_id"] for row in unknown])
    for row in unknown:
        row["bookmark_tags"] = tags.get(row["work_id"])
    return len(tags)


def _count(result: StageResult, listings: Sequence[Listing], rows: Sequence[dict]) -> None:
    current = [row for row in rows if row["removed_at"] is None]
    result.numbers |= {
        "listed": sum(len(listing.works) for listing in listings),
        "bookmarks": len(current),
        "dead": sum(row["state"] != BookmarkState.AVAILABLE for row in current),
        "retries": sum(listing.retries for listing in listings),
    }
    for visibility in Visibility:
        count = sum(row["visibility"] == visibility for row in current)
        result.numbers[f"bookmarks_{visibility}"] = count


def _pictures(this: Round, files: Sequence[StoredFile]) -> list[str]:
    """Return the newest pictures, one per work."""
    first: dict[int, StoredFile] = {}
    for each in files:
        if each.kind is FileKind.PAGE:
            first.setdefault(each.work_id, each)
    return [str(this.account.download_directory / each.path) for each in first.values()]
