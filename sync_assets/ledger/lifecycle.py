"""The lifecycle kernel: declare states and legal transitions once.

A declaration gives the CHECK constraint on the state column, triggers by which the database
itself refuses an illegal transition (from any program, not only ours), the function that
changes a state, and a row in `events` in the same transaction.

A lifecycle's table needs an integer primary key `id` and the columns `state` and `changed_at`.
Where it has a column `owner`, its events are that user's matter.
Its migration creates the constraint and executes `transition_triggers`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, Connection, Select, Table, bindparam, null, select, update

from sync_assets.errors import SyncError
from sync_assets.ledger.events import Event, append_events
from sync_assets.ledger.inserting import insert_rows
from sync_assets.ledger.portions import portions
from sync_assets.ledger.triggers import transition_triggers
from sync_assets.ledger.types import AnyRow, utc_now

State = TypeVar("State", bound=StrEnum)


class IllegalTransitionError(SyncError):
    """The lifecycle does not allow this change of state."""


class StateConflictError(SyncError):
    """The row is in another state than the caller expected: somebody else was faster."""


class UnknownSubjectError(SyncError):
    """There is no row with this id."""


@dataclass(frozen=True)
class Change:
    """What changes with the state of one of several rows.

    Attributes:
        columns: Other columns to set, the same ones for every row.
        detail: Facts for the history, JSON-serialisable, never secret.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)


class Lifecycle(Generic[State]):
    """The states of one table's rows, and the ways between them.

    Args:
        name: The term for one row, in `events.entity`, messages and trigger names.
        states: All states.
        initial: The states that a new row may have.
        transitions: For each state the states that may follow; a state without an entry, or
            with an empty one, is final.
    """

    def __init__(
        self,
        name: str,
        *,
        states: type[State],
        initial: Collection[State],
        transitions: Mapping[State, Collection[State]],
    ) -> None:
        self.name = name
        self.states = states
        self.initial = frozenset(initial)
        self.transitions = {state: frozenset(transitions.get(state, ())) for state in states}
        self._table: Table | None = None

    @property
    def table(self) -> Table:
        """The table that holds the rows.

        Raises:
            RuntimeError: `bind` was not called.
        """
        if self._table is None:
            message = f"lifecycle {self.name!r} is not bound to a table"
            raise RuntimeError(message)
        return self._table

    @property
    def final(self) -> frozenset[State]:
        """The states that nothing follows."""
        return frozenset(state for state, following in self.transitions.items() if not following)

    def bind(self, table: Table) -> Table:
        """Say which table holds the rows, and constrain it to the declared states.

        Args:
            table: A table with the columns `id`, `state` and `changed_at`.

        Returns:
            The same table.
        """
        table.append_constraint(self.check_constraint())
        self._table = table
        return table

    def check_constraint(self) -> CheckConstraint:
        """Return the constraint that allows the declared states and no other."""
        names = ", ".join(f"'{state}'" for state in self.states)
        return CheckConstraint(f"state IN ({names})", name=f"{self.name}_state_is_known")

    def trigger_statements(self, dialect_name: str) -> list[str]:
        """Return the DDL that makes the database refuse illegal states.

        Running it again replaces the triggers, so a migration that changes the declaration
        executes it once more.

        Args:
            dialect_name: `sqlite` or `postgresql`.
        """
        legal = sorted(
            (str(before), str(after))
            for before, following in self.transitions.items()
            for after in following
        )
        initial = sorted(str(state) for state in self.initial)
        return transition_triggers(
            self.name, self.table.name, initial=initial, legal=legal, dialect_name=dialect_name
        )

    def create(
        self,
        connection: Connection,
        rows: Sequence[Mapping[str, Any]],
        *,
        unique: Sequence[str] = (),
        run_id: str | None = None,
    ) -> list[int | None]:
        """Insert new rows, each with its first event.

        Args:
            connection: A writing transaction of the ledger.
            rows: Column values; `state` may be left out where only one initial state exists.
            unique: Columns of a unique index; a row that is already there is left as it is.
            run_id: The Dagster run that does it, for the history.

        Returns:
            The id of each new row, in order; None for a row that was already there.
        """
        now = utc_now()
        given: list[dict[str, Any]] = [
            {"state": self._initial_state(row), "changed_at": now, **row} for row in rows
        ]
        ids = insert_rows(connection, self.table, given, unique)
        append_events(
            connection,
            [
                Event(
                    self.name,
                    str(row_id),
                    state=str(row["state"]),
                    run_id=run_id,
                    owner=row.get("owner"),
                )
                for row, row_id in zip(given, ids, strict=True)
                if row_id is not None
            ],
        )
        return ids

    def transition(  # noqa: PLR0913 - all but three are optional, and named
        self,
        connection: Connection,
        row_id: int,
        to: State,
        *,
        expected: Collection[State] | None = None,
        run_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> AnyRow:
        """Change one row's state, and whatever changes with it.

        Args:
            connection: A writing transaction of the ledger.
            row_id: The row.
            to: The new state.
            expected: The states that the caller believes the row may be in; without it, any.
            run_id: The Dagster run that does it, for the history.
            detail: Facts for the history, JSON-serialisable, never secret.
            **changes: Other columns to set in the same statement.

        Returns:
            The row after the change.

        Raises:
            UnknownSubjectError: There is no such row.
            StateConflictError: The row is in a state that was not expected.
            IllegalTransitionError: The declaration does not allow the change.
        """
        before = self._locked_row(connection, row_id)
        current = self.states(before.state)
        if expected is not None and current not in expected:
            raise StateConflictError(
                f"{self.name} {row_id} is {current}, not {' or '.join(sorted(expected))}.",
                remedy="Look at its events: another run or user changed it meanwhile.",
            )
        self._require_legal(row_id, current, to)
        row = connection.execute(
            update(self.table)
            .where(self.table.c.id == row_id)
            .values(state=str(to), changed_at=utc_now(), **changes)
            .returning(*self.table.c)
        ).one()
        append_events(connection, [self._event(before, to, run_id, detail)])
        return row

    def transition_all(
        self,
        connection: Connection,
        row_ids: Iterable[int],
        to: State,
        *,
        expected: Collection[State] | None = None,
        run_id: str | None = None,
        **changes: Any,
    ) -> None:
        """Change the state of several rows; all of them, or none where one is refused.

        Args:
            connection: A writing transaction of the ledger.
            row_ids: The rows.
            to: The new state.
            expected: The states of those that are to be changed; a row in another one, or that is
                gone, is left as it is. Without it, every row is changed.
            run_id: The Dagster run that does it, for the history.
            **changes: Other columns to set, the same for every row.

        Raises:
            UnknownSubjectError: One of the rows does not exist, and no states were expected.
            IllegalTransitionError: One of the rows may not change so.
        """
        for some in portions(list(dict.fromkeys(row_ids))):
            before = self._locked_rows(connection, some)
            gone = [row_id for row_id in some if row_id not in before]
            if gone and expected is None:
                raise self._unknown(gone[0])
            rows = [before[row_id] for row_id in some if row_id in before]
            if expected is not None:
                rows = [row for row in rows if row.state in expected]
            if rows:
                self._transition_some(connection, rows, to, run_id=run_id, **changes)

    def transition_each(
        self,
        connection: Connection,
        changes: Mapping[int, Change],
        to: State,
        *,
        expected: Collection[State],
        run_id: str | None = None,
    ) -> list[int]:
        """Change the state of several rows, each with columns of its own.

        Args:
            connection: A writing transaction of the ledger.
            changes: What changes with the state, by the ids of the rows.
            to: The new state.
            expected: The states that the caller believes the rows may be in; a row in another one,
                or that is gone, is left as it is: somebody else was faster.
            run_id: The Dagster run that does it, for the history.

        Returns:
            The ids of the rows that were changed.

        Raises:
            IllegalTransitionError: One of the rows may not change so; none is changed.
        """
        before: dict[int, AnyRow] = {}
        for some in portions(list(changes)):
            before |= self._locked_rows(connection, some)
        ids = [row_id for row_id in changes if row_id in before]
        ids = [row_id for row_id in ids if before[row_id].state in expected]
        if not ids:
            return ids
        for row_id in ids:
            self._require_legal(row_id, self.states(before[row_id].state), to)
        self._update_each(connection, {row_id: changes[row_id].columns for row_id in ids}, to)
        append_events(
            connection,
            [self._event(before[each], to, run_id, changes[each].detail) for each in ids],
        )
        return ids

    def _update_each(
        self, connection: Connection, columns: Mapping[int, Mapping[str, Any]], to: State
    ) -> None:
        # What is emptied in all rows is part of the statement, and not given for each row.
        emptied = {
            name
            for name in next(iter(columns.values()))
            if all(each[name] is None for each in columns.values())
        }
        same = {"state": str(to), "changed_at": utc_now()}
        rows = [
            {name: value for name, value in each.items() if name not in emptied}
            for each in columns.values()
        ]
        connection.execute(
            update(self.table)
            .where(self.table.c.id == bindparam("row_id"))
            .values(dict.fromkeys(emptied, null())),
            [{"row_id": row_id, **same, **row} for row_id, row in zip(columns, rows, strict=True)],
        )

    def _transition_some(
        self,
        connection: Connection,
        rows: Sequence[AnyRow],
        to: State,
        *,
        run_id: str | None,
        **changes: Any,
    ) -> None:
        for row in rows:
            self._require_legal(row.id, self.states(row.state), to)
        connection.execute(
            update(self.table)
            .where(self.table.c.id.in_([row.id for row in rows]))
            .values(state=str(to), changed_at=utc_now(), **changes)
        )
        append_events(connection, [self._event(row, to, run_id) for row in rows])

    def _event(
        self,
        before: AnyRow,
        to: State,
        run_id: str | None,
        detail: Mapping[str, Any] | None = None,
    ) -> Event:
        return Event(
            self.name,
            str(before.id),
            previous_state=before.state,
            state=str(to),
            run_id=run_id,
            detail=detail or {},
            owner=before.owner if "owner" in self.table.c else None,
        )

    def _require_legal(self, row_id: int, current: State, to: State) -> None:
        if to not in self.transitions[current]:
            following = ", ".join(sorted(self.transitions[current])) or "nothing, it is final"
            raise IllegalTransitionError(
                f"{self.name} {row_id} cannot go from {current} to {to}.",
                remedy=f"From {current} it can go to: {following}.",
            )

    def _unknown(self, row_id: int) -> UnknownSubjectError:
        return UnknownSubjectError(
            f"There is no {self.name} {row_id}.", remedy="Check the id; it may be removed."
        )

    def _initial_state(self, row: Mapping[str, Any]) -> str:
        if "state" in row:
            return str(row["state"])
        if len(self.initial) != 1:
            message = f"a new {self.name} needs a state: one of {sorted(self.initial)}"
            raise ValueError(message)
        return str(next(iter(self.initial)))

    def _locked_row(self, connection: Connection, row_id: int) -> AnyRow:
        row = self._locked_rows(connection, [row_id]).get(row_id)
        if row is None:
            raise self._unknown(row_id)
        return row

    def _locked_rows(self, connection: Connection, ids: Sequence[int]) -> dict[int, AnyRow]:
        found = connection.execute(_locking(self.table), {"ids": list(ids)})
        return {row.id: row for row in found}


@cache
def _locking(table: Table) -> Select:
    columns = table.c
    shown = [columns[name] for name in ("id", "state", "owner") if name in columns]
    wanted = columns.id.in_(bindparam("ids", expanding=True))
    return select(*shown).where(wanted).with_for_update()
