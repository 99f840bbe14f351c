"""The schema revisions that this code knows.

Apart from the migrations, so that opening an up-to-date ledger need not import Alembic; a test
compares both.
"""

KNOWN_REVISIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
)
"""All revisions, oldest first."""

HEAD_REVISION = KNOWN_REVISIONS[-1]
"""The revision that this code works with."""
