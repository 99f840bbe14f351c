"""The ledger: whatever has a lifecycle and must survive `kill -9`.

`engine` opens it, `schema` defines its tables, `lifecycle` is the kernel that every lifecycle is
declared with, `events` is the append-only history. Each other module owns one table and holds
the only functions that write to it.
"""

from sync_assets.ledger.engine import Ledger, LedgerSchemaTooNewError, LedgerUnavailableError
from sync_assets.ledger.lifecycle import (
    IllegalTransitionError,
    Lifecycle,
    StateConflictError,
    UnknownSubjectError,
)

__all__ = [
    "IllegalTransitionError",
    "Ledger",
    "LedgerSchemaTooNewError",
    "LedgerUnavailableError",
    "Lifecycle",
    "StateConflictError",
    "UnknownSubjectError",
]
