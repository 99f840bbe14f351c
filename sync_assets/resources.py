"""The resources of the asset graph that have no package of their own.

A resource's configuration is shown in Dagster's UI and stored with every run. What may hold a
secret, such as the ledger's URL, is therefore closed over, not configured.
"""

from collections.abc import Generator

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.settings import Settings


def ledger_resource(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource that opens the ledger for a run.

    Args:
        settings: The configuration that says where it is.
    """

    @dg.resource(description="The ledger: whatever has a lifecycle and must survive a crash.")
    def ledger(_: dg.InitResourceContext) -> Generator[Ledger]:
        opened = Ledger.open(settings.ledger_url)
        try:
            yield opened
        finally:
            opened.close()

    return ledger
