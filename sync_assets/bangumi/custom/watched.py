"""Items of media servers in the form in which the matching takes Trakt's history."""

from collections.abc import Iterable, Sequence

from sync_assets.bangumi.custom.items import StoredItem
from sync_assets.bangumi.custom.models import Action
from sync_assets.bangumi.matching.models import MediaType, WatchedItem
from sync_assets.bangumi.trakt_tables import Watched


def as_watched(items: Iterable[StoredItem]) -> list[Watched]:
    """Put what is about one episode or film together.

    Args:
        items: The items of an account.

    Returns:
        Each episode and film once, with how often it was watched, and when it was last begun.
    """
    groups: dict[str, list[StoredItem]] = {}
    for each in items:
        groups.setdefault(each.item.as_watched_item().key, []).append(each)
    return [_joined(group) for group in groups.values()]


def _joined(group: Sequence[StoredItem]) -> Watched:
    # Not every server sends the day, which tells more than anything else.
    best = max(group, key=lambda each: (each.item.release_date is not None, each.occurred_at))
    plays = [each.occurred_at for each in group if each.action is Action.WATCHED]
    starts = [each.occurred_at for each in group if each.action is Action.STARTED]
    item = best.item.as_watched_item()
    return Watched(
        item,
        best.item.work,
        _title(item),
        plays=len(plays),
        watched_at=max(plays, default=None),
        started_at=max(starts, default=None),
    )


def _title(item: WatchedItem) -> str:
    if item.media_type is MediaType.MOVIE:
        return item.title
    return f"{item.title} {item.season}x{item.number:02}"
