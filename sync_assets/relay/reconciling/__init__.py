"""Reconciling: the ledger beside what is really on the disk, in aria2 and at the remotes.

Each difference is a finding with its repair. What can be repaired without doubt is, where that is
wanted, by the same functions that a worker uses; nothing that the relay did not make is removed.
"""

from sync_assets.relay.reconciling.comparing import reconcile
from sync_assets.relay.reconciling.findings import Difference, Finding

__all__ = ["Difference", "Finding", "reconcile"]
