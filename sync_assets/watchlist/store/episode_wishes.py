"""What a user wants of an episode: to have it, to try it again, never to have it."""

from collections.abc import Collection

from sqlalchemy import Connection

from sync_assets.errors import SyncError
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.models import OPEN_EPISODES, EpisodeState
from sync_assets.watchlist.store.episodes import move

_OPEN_TO_WISHES = frozenset(EpisodeState) - {*OPEN_EPISODES, EpisodeState.DOWNLOADED}


class EpisodeNotPossibleError(SyncError):
    """What a user wants of an episode does not fit its state."""


def want(connection: Connection, row: AnyRow) -> AnyRow:
    """Let an episode be downloaded, also one that failed, or that was not to be downloaded.

    Args:
        connection: A writing transaction of the ledger.
        row: The episode.

    Returns:
        The row after the change.

    Raises:
        EpisodeNotPossibleError: It is downloaded, or about to be.
    """
    _require(row, _OPEN_TO_WISHES, "be wanted")
    return move(connection, row.id, EpisodeState.WANTED, attempts=0, not_before=None)


def retry(connection: Connection, row: AnyRow) -> AnyRow:
    """Try an episode again that failed.

    Args:
        connection: A writing transaction of the ledger.
        row: The episode.

    Returns:
        The row after the change.

    Raises:
        EpisodeNotPossibleError: It has not failed.
    """
    _require(row, {EpisodeState.FAILED}, "be tried again")
    return want(connection, row)


def skip(connection: Connection, row: AnyRow) -> AnyRow:
    """Never download an episode, until it is wanted after all.

    Args:
        connection: A writing transaction of the ledger.
        row: The episode.

    Returns:
        The row after the change.

    Raises:
        EpisodeNotPossibleError: It is downloaded, or about to be.
    """
    _require(row, _OPEN_TO_WISHES, "be skipped")
    return move(
        connection, row.id, EpisodeState.SKIPPED, reason="Skipped by the user.", not_before=None
    )


def _require(row: AnyRow, states: Collection[EpisodeState], what: str) -> None:
    if row.state in states:
        return
    allowed = ", ".join(sorted(states))
    raise EpisodeNotPossibleError(
        f"Episode {row.id} is {row.state} and cannot {what}.",
        remedy=f"That is possible for an episode that is: {allowed}.",
    )
