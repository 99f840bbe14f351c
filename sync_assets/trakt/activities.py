"""Look whether anything is new: one request, and the comparison with the cursors.

What was seen is kept in the ledger, so that the assets of one run ask once between them.
"""

from collections.abc import Mapping

from sync_assets.ledger import Ledger
from sync_assets.trakt.account import AccountWork
from sync_assets.trakt.cursors import read_cursor
from sync_assets.trakt.models import Activities, MediaType
from sync_assets.trakt.parsing import ItemError, parse_activities
from sync_assets.trakt.problems import TraktResponseError

DATASETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "history": ("watched_at", ("episodes", "movies")),
    "ratings": ("rated_at", tuple(each.section for each in MediaType)),
    "collection": ("collected_at", ("episodes", "movies")),
}
"""Which activity, of which sections, tells that a data set has changed."""

_OBSERVED = "activities"


def look(work: AccountWork, run_id: str) -> Activities:
    """Ask Trakt, and keep the answer for the rest of the run.

    Args:
        work: The account.
        run_id: The Dagster run.

    Raises:
        SyncError: Trakt could not be asked.
    """
    activities = ask(work)
    moments = [[*names, at] for names, at in activities.moments.items()]
    work.move(_OBSERVED, {"run_id": run_id, "moments": moments})
    return activities


def ask(work: AccountWork) -> Activities:
    """Ask Trakt.

    Args:
        work: The account.

    Raises:
        SyncError: Trakt could not be asked.
    """
    try:
        return parse_activities(work.source.last_activities())
    except ItemError as error:
        raise TraktResponseError(
            f"/sync/last_activities: {error}.", remedy="Update sync_assets."
        ) from error


def seen_in_run(work: AccountWork, run_id: str) -> Activities | None:
    """Return what this run has seen already; None where it did not look.

    Args:
        work: The account.
        run_id: The Dagster run.
    """
    observed = work.cursor(_OBSERVED)
    if observed.get("run_id") != run_id:
        return None
    return Activities({(section, name): at for section, name, at in observed["moments"]})


def changed_sections(
    activities: Activities, dataset: str, cursor: Mapping[str, object]
) -> dict[str, str]:
    """Return the sections of a data set that have changed, with Trakt's timestamps.

    Args:
        activities: What Trakt says.
        dataset: Such as `history`.
        cursor: How far the data set is known.
    """
    activity, sections = DATASETS[dataset]
    moments = activities.of(activity, *sections)
    return {section: at for section, at in moments.items() if cursor.get(section) != at}


def changed_datasets(ledger: Ledger, account: str, activities: Activities) -> list[str]:
    """Return the data sets of an account that have changed since their cursors moved.

    Args:
        ledger: Holds the cursors.
        account: The account's name in the configuration.
        activities: What Trakt says.
    """
    with ledger.read() as connection:
        cursors = {name: read_cursor(connection, account, name) for name in DATASETS}
    return [name for name in DATASETS if changed_sections(activities, name, cursors[name])]
