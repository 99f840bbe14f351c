"""What keeps two runs, or a run and an undo, of one account from overlapping."""

from contextlib import AbstractContextManager

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease, hold_lease

LEASE_WAIT_SECONDS = 60.0


def account_lease(ledger: Ledger, account: str, purpose: str) -> AbstractContextManager[Lease]:
    """Hold the lease of an account for the length of a block.

    Args:
        ledger: The ledger.
        account: The account.
        purpose: Who wants it, for the others' messages.

    Raises:
        LeaseHeldError: Another run kept it for the whole wait.
    """
    return hold_lease(
        ledger, f"bangumi:{account}", purpose=purpose, wait_seconds=LEASE_WAIT_SECONDS
    )
