"""Take the events of media servers out of the inbox: each becomes items, is ignored, or failed.

Nothing outside the ledger is touched, so that an event is claimed and dealt with in one
transaction: whatever is killed in between leaves it waiting as it was.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from sync_assets.bangumi.custom.items import store_items
from sync_assets.bangumi.custom.models import CustomEvent, MalformedEventError
from sync_assets.bangumi.custom.parsing import parse_event
from sync_assets.bangumi.custom.waiting import EVENT_JOB
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import INBOX, InboxState, claim
from sync_assets.ledger.types import AnyRow
from sync_assets.settings.bangumi import CustomSettings, CustomSource

EVENTS_PER_CLAIM = 500


@dataclass
class Drained:
    """What a run did with the inbox.

    Attributes:
        events: How many events were dealt with.
        items: How many items are new.
        ignored: How many events were of no concern, by the reason.
        unknown_users: How many events came from users that are not configured.
        failed: What could not be understood, with the reason of each.
    """

    events: int = 0
    items: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    unknown_users: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


def drain(ledger: Ledger, settings: CustomSettings, run_id: str) -> Drained:
    """Deal with all events that wait, whosever they are.

    Args:
        ledger: The ledger.
        settings: Whose events count, and which.
        run_id: The run that does it.

    Returns:
        What was done.
    """
    drain = _Drain(settings, run_id)
    is_last = False
    while not is_last:
        with ledger.write() as connection:
            rows = claim(connection, *EVENT_JOB.sources, run_id=run_id, limit=EVENTS_PER_CLAIM)
            for row in rows:
                drain.deal_with(connection, row)
        is_last = len(rows) < EVENTS_PER_CLAIM
    return drain.drained


class _Drain:
    """Deals with events one after the other.

    Args:
        settings: Whose events count, and which.
        run_id: The run that does it.
    """

    def __init__(self, settings: CustomSettings, run_id: str) -> None:
        self._settings = settings
        self._run_id = run_id
        self.drained = Drained()

    def deal_with(self, connection: Connection, row: AnyRow) -> None:
        """Deal with one claimed event."""
        self.drained.events += 1
        source = CustomSource(row.source)
        if source not in self._settings.sources:
            self._ignore(connection, row, "its source is off")
            return
        try:
            parsed = parse_event(source, row.payload)
        except MalformedEventError as error:
            self._fail(connection, row, error.message)
            return
        if parsed.ignored is not None:
            self._ignore(connection, row, parsed.ignored)
            return
        if not all(self._is_in_library(source, each) for each in parsed.events):
            self._ignore(connection, row, "its library does not count")
            return
        user = parsed.events[0].item.user or ""
        account = self._settings.account_of(source, user)
        if account is None:
            self.drained.unknown_users[f"{source}:{user}"] += 1
            self._ignore(connection, row, "its user is not configured")
            return
        self._store(connection, row, account, parsed.events)

    def _is_in_library(self, source: CustomSource, event: CustomEvent) -> bool:
        libraries = self._settings.libraries.get(source)
        if libraries is None:
            return True
        names = {each.casefold() for each in libraries}
        path = (event.path or "").replace("\\", "/")
        return (event.library or "").casefold() in names or any(
            path.startswith(each.replace("\\", "/").rstrip("/") + "/") for each in libraries
        )

    def _store(
        self, connection: Connection, row: AnyRow, account: str, events: Sequence[CustomEvent]
    ) -> None:
        self.drained.items += store_items(connection, row, account, events, self._run_id)
        INBOX.transition(connection, row.id, InboxState.DONE, run_id=self._run_id)

    def _ignore(self, connection: Connection, row: AnyRow, reason: str) -> None:
        self.drained.ignored[reason] += 1
        detail = {"reason": reason}
        INBOX.transition(connection, row.id, InboxState.IGNORED, run_id=self._run_id, detail=detail)

    def _fail(self, connection: Connection, row: AnyRow, reason: str) -> None:
        self.drained.failed.append(f"event {row.id} ({row.source}): {reason}")
        INBOX.transition(
            connection,
            row.id,
            InboxState.FAILED,
            run_id=self._run_id,
            detail={"reason": reason},
            failure_reason=reason,
        )
