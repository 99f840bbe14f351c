"""The lifecycle of a report: what the database itself refuses."""

import itertools
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from sync_assets.bangumi.report_models import ReportState
from sync_assets.bangumi.reports import REPORTS


@pytest.fixture
def rows(ledger):
    """A report in each state that a report may begin with, by state."""
    with ledger.write() as connection:
        new = [
            {
                "account": "alice",
                "subject": number,
                "kind": "main",
                "number": 1,
                "title": "Show",
                "state": state,
            }
            for number, state in enumerate(sorted(REPORTS.initial))
        ]
        identifiers = REPORTS.create(connection, new)
    return dict(zip(sorted(REPORTS.initial), identifiers, strict=True))


def test_the_database_allows_what_is_declared_and_nothing_else(ledger, rows):
    allowed = set()
    for before, after in itertools.permutations(ReportState, 2):
        if before not in rows:
            continue
        statement = text("UPDATE bangumi_reports SET state = :state WHERE id = :id")
        with ledger.engine.connect() as connection:
            with suppress(DatabaseError):
                connection.execute(statement, {"state": str(after), "id": rows[before]})
                allowed.add((before, after))
            connection.rollback()
    declared = {
        (before, after) for before in rows for after in REPORTS.transitions[ReportState(before)]
    }
    assert allowed == declared


@pytest.mark.parametrize("state", sorted(set(ReportState) - REPORTS.initial))
def test_a_report_begins_in_no_other_state(ledger, state):
    row = {"account": "a", "subject": 1, "kind": "main", "number": 1, "title": "", "state": state}
    with pytest.raises(DatabaseError), ledger.write() as connection:
        REPORTS.create(connection, [row])


def test_a_place_is_reported_once(ledger, rows):
    row = {
        "account": "alice",
        "subject": 0,
        "kind": "main",
        "number": 1,
        "title": "",
        "state": "done",
    }
    with pytest.raises(DatabaseError), ledger.write() as connection:
        REPORTS.create(connection, [row])
