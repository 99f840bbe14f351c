"""Which paths event-driven runs have looked at: an older listing must not undo what they saw.

A full scan takes hours on a slow drive. Where an event came meanwhile, its directory was looked at
later than the scan did, and the scan's view of it is left out.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import strm_touched
from sync_assets.strm.events.routing import ancestors
from sync_assets.strm.models import ListedDirectory, ListingStatus


def record_touched(
    ledger: Ledger,
    job: str,
    *,
    directories: Iterable[str],
    subtrees: Iterable[str],
    touched_at: float,
) -> None:
    """Remember what was looked at.

    Args:
        ledger: The ledger.
        job: The job's name.
        directories: Directories that were listed alone.
        subtrees: Directories that were looked at with all below them.
        touched_at: When the first of them was looked at, in seconds since the epoch.
    """
    rows = [
        {"job": job, "path": path, "is_subtree": is_subtree, "touched_at": touched_at}
        for is_subtree, paths in ((False, directories), (True, subtrees))
        for path in paths
    ]
    if not rows:
        return
    with ledger.write() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(strm_touched)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["job", "path", "is_subtree"],
                set_={"touched_at": statement.excluded.touched_at},
            ),
            rows,
        )


def forget_touched(ledger: Ledger, job: str, *, before: float) -> None:
    """Forget what a newer listing has seen as well.

    Args:
        ledger: The ledger.
        job: The job's name.
        before: When that listing began, in seconds since the epoch.
    """
    with ledger.write() as connection:
        connection.execute(
            delete(strm_touched).where(
                strm_touched.c.job == job, strm_touched.c.touched_at < before
            )
        )


def without_touched(
    ledger: Ledger, job: str, listing: Iterable[ListedDirectory], *, listed_at: float
) -> Iterator[ListedDirectory]:
    """Leave out of a listing what was looked at since: there nothing is known to be complete.

    Args:
        ledger: The ledger.
        job: The job's name.
        listing: The directories.
        listed_at: When the listing began, in seconds since the epoch.

    Yields:
        The directories; those that were touched later are empty and not complete.
    """
    query = select(strm_touched.c.path, strm_touched.c.is_subtree).where(
        strm_touched.c.job == job, strm_touched.c.touched_at > listed_at
    )
    with ledger.read() as connection:
        rows = connection.execute(query).all()
    directories = {path for path, _ in rows}
    subtrees = {path for path, is_subtree in rows if is_subtree}
    for listed in listing:
        if directories and (
            listed.path in directories or not subtrees.isdisjoint(ancestors(listed.path))
        ):
            yield ListedDirectory(listed.path, ListingStatus.TRUNCATED, "an event came meanwhile")
        else:
            yield listed
