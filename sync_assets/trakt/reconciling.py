"""Compare what is known with what Trakt has now. Pure functions; nothing is lost by them."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from sync_assets.trakt.tables import AnyRow


@dataclass
class Reconciled(Generic[AnyRow]):
    """What became of the rows.

    Attributes:
        rows: All of them, by key: as Trakt has them now, and those that are gone.
        added: How many are new, or are back.
        changed: How many say something else than before.
        removed: How many are gone now.
    """

    rows: dict[Hashable, AnyRow] = field(default_factory=dict)
    added: int = 0
    changed: int = 0
    removed: int = 0


def reconcile(
    known: Mapping[Hashable, AnyRow],
    observed: Iterable[AnyRow],
    *,
    in_scope: Callable[[AnyRow], bool],
    now: datetime,
    unreadable: Collection[Hashable] = (),
) -> Reconciled[AnyRow]:
    """Bring the known rows up to date.

    Args:
        known: The rows so far, by key.
        observed: What Trakt has now, as far as it was asked.
        in_scope: Whether a known row would have been observed if it were still there.
        now: When it was observed.
        unreadable: Keys of items that were there but made no sense; their rows stay as they are.
    """
    result = Reconciled(dict(known))
    seen: set[Hashable] = set(unreadable)
    for row in observed:
        if row.key in seen:
            continue
        seen.add(row.key)
        before = known.get(row.key)
        after = row if before is None else row.continuing(before)
        if before is None or before.removed_at is not None:
            result.added += 1
        elif after != before:
            result.changed += 1
        result.rows[row.key] = after
    for key, row in known.items():
        if key not in seen and row.removed_at is None and in_scope(row):
            result.rows[key] = row.removed(now)
            result.removed += 1
    return result
