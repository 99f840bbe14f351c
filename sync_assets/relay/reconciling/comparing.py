"""Compare everything, and repair what is wanted, while no worker is at work."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import hold_lease
from sync_assets.relay.aria2.source import open_aria2
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.models import LEASE_NAME
from sync_assets.relay.rclone.source import open_rclone
from sync_assets.relay.reconciling.findings import Finding
from sync_assets.relay.reconciling.local import find_local
from sync_assets.relay.reconciling.remote import find_remote, find_tasks
from sync_assets.relay.uploading.opening import open_targets
from sync_assets.relay.uploading.rclone_target import RcloneTarget
from sync_assets.settings import Settings


def reconcile(settings: Settings, ledger: Ledger, *, fix: bool) -> Sequence[Finding]:
    """Compare the ledger with the disk, aria2 and the remotes.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        fix: Whether to repair what can be repaired without doubt.

    Returns:
        The differences; those that were repaired say so.

    Raises:
        LeaseHeldError: A worker is at work; what moves cannot be compared.
        Aria2UnreachableError: A configured aria2 does not answer.
        LedgerUnavailableError: The ledger cannot be read or written.
    """
    with hold_lease(ledger, LEASE_NAME, purpose="reconcile") as lease:
        found = []
        for finding in _find(settings, ledger):
            lease.require()
            is_repaired = fix and finding.apply is not None
            if finding.apply is not None and fix:
                finding.apply()
            found.append(replace(finding, is_repaired=is_repaired))
        return found


def _find(settings: Settings, ledger: Ledger) -> Iterator[Finding]:
    root = settings.relay.download_directory
    with open_rclone(settings) as rclone:
        targets = open_targets(settings, ledger, rclone, None)
        remotes = {
            name: target for name, target in targets.items() if isinstance(target, RcloneTarget)
        }
        # First: what is to be uploaded again needs its local file.
        yield from find_remote(ledger, remotes)
    if settings.relay.aria2.url is not None:
        # A private one ends with its worker, and has no tasks now.
        with open_aria2(settings) as aria2:
            yield from find_tasks(ledger, aria2.client(), root)
    yield from find_local(ledger, DownloadFolders(root, trusts_length=False))
