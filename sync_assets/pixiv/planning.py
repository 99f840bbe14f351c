"""Which works are wanted, by what the table of bookmarks says and what the filters allow.

Made from the whole table each time, not from what is new: so a crash between the lake and the
ledger, and a changed filter, mend themselves.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from sync_assets.pixiv.gallery_dl_config import work_url
from sync_assets.pixiv.models import BookmarkState, StageResult, WorkState
from sync_assets.pixiv.works import Work, create_works, read_works, set_aside, update_work, want
from sync_assets.settings.pixiv import PixivFilterSettings

_UNAVAILABLE = {
    BookmarkState.DELETED: "Pixiv says that it was deleted",
    BookmarkState.LOCKED: "only the artist's friends may see it",
}
_NO_LONGER_BOOKMARKED = "it is no longer bookmarked"
_FILTERED_OUT = "the filters exclude it"


def is_allowed(row: Mapping[str, Any], filters: PixivFilterSettings) -> bool:
    """Tell whether the filters let a bookmark be downloaded.

    Args:
        row: A row of the table of bookmarks.
        filters: The filters.
    """
    tags = {*(row["tags"] or ()), *(row["bookmark_tags"] or ())}
    return (
        (not row["rating"] or row["rating"] in filters.ratings)
        and (filters.ai or not row["is_ai"])
        and (not filters.include_tags or bool(tags & filters.include_tags))
        and not tags & filters.exclude_tags
        and (not filters.include_users or row["user_id"] in filters.include_users)
        and row["user_id"] not in filters.exclude_users
    )


def plan_works(  # noqa: PLR0913 - two of them are named
    connection: Connection,
    account: str,
    rows: Iterable[Mapping[str, Any]],
    filters: PixivFilterSettings,
    *,
    revived: bool,
    run_id: str | None,
) -> StageResult:
    """Bring the list of wanted works in line with the table of bookmarks.

    Args:
        connection: A writing transaction of the ledger.
        account: The account's name.
        rows: The whole table of bookmarks.
        filters: Which works are wanted.
        revived: Whether works that have used up their attempts are tried again.
        run_id: The Dagster run.

    Returns:
        How many works are newly wanted, unavailable and unwanted.
    """
    result = StageResult({"wanted": 0, "updated": 0})
    works = read_works(connection, account)
    new = []
    for row in rows:
        state, reason = _target(row, filters)
        work = works.get(row["work_id"])
        if work is None:
            new.append(_new_row(account, row, state, reason))
            result.count("wanted", state is WorkState.WANTED)
            continue
        again = _change(work, row, state, revived=revived)
        _learn(connection, work, row)
        if again is not None:
            want(connection, work, run_id=run_id, reason=again)
            result.count("updated" if work.state is WorkState.COMPLETE else "wanted")
        elif state is not WorkState.WANTED and work.state not in (state, WorkState.COMPLETE):
            set_aside(connection, work, state, run_id=run_id, reason=reason)
    create_works(connection, new, run_id=run_id)
    return result


def _target(row: Mapping[str, Any], filters: PixivFilterSettings) -> tuple[WorkState, str]:
    if row["removed_at"] is not None:
        return WorkState.UNWANTED, _NO_LONGER_BOOKMARKED
    state = BookmarkState(row["state"])
    if state in _UNAVAILABLE:
        return WorkState.UNAVAILABLE, _UNAVAILABLE[state]
    if not is_allowed(row, filters):
        return WorkState.UNWANTED, _FILTERED_OUT
    return WorkState.WANTED, ""


def _change(work: Work, row: Mapping[str, Any], state: WorkState, *, revived: bool) -> str | None:
    """Say why a work that is known is to be downloaded again; None where it is not."""
    if state is not WorkState.WANTED or work.state is WorkState.WANTED:
        return None
    if work.state is WorkState.COMPLETE:
        if work.version and row["version"] > work.version:
            return "it was uploaded again"
        if row["page_count"] > work.page_count and not work.is_ugoira:
            return "it has new pages"
        return None
    if work.state is WorkState.FAILED and not revived:
        return None
    return "it can be had again"


def _new_row(account: str, row: Mapping[str, Any], state: WorkState, reason: str) -> dict[str, Any]:
    return {
        "account": account,
        "work_id": row["work_id"],
        "state": state,
        "type": row["type"],
        "page_count": row["page_count"],
        "version": row["version"],
        "details": details_of(row),
        "frames": row["frames"],
        "failure_reason": reason or None,
    }


def _learn(connection: Connection, work: Work, row: Mapping[str, Any]) -> None:
    known = {
        "type": row["type"] or work.type,
        "page_count": max(row["page_count"], work.page_count),
        "version": max(row["version"], work.version),
        "details": details_of(row),
        "frames": row["frames"] or work.frames,
    }
    changes = {name: value for name, value in known.items() if value != getattr(work, name)}
    if changes:
        update_work(connection, work, **changes)


def details_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a post says of a work, from its row in the table of bookmarks."""
    return {
        "title": row["title"],
        "author": row["user_name"],
        "author_id": str(row["user_id"]),
        "url": work_url(row["work_id"]),
        "tags": list(row["tags"] or ()),
        "rating": row["rating"],
        "is_ai": row["is_ai"],
    }


def cheaper_by_list(wanted: Collection[int], order: Sequence[int], *, page_size: int) -> int | None:
    """Say how far down a list to walk for works, where that takes fewer requests than one each.

    Args:
        wanted: The works.
        order: The list, newest bookmark first.
        page_size: Works per request.

    Returns:
        How many works of the list to look at; None where asking for each work is cheaper.
    """
    places = [place for place, work_id in enumerate(order) if work_id in wanted]
    if not places:
        return None
    depth = places[-1] + 1
    requests = 1 + -(-depth // page_size)
    return depth if requests < len(places) else None
