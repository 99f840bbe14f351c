"""The assets of the relay. Glue only: `worker` does the work."""

from collections.abc import Generator

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.relay.reporting import DOMAIN
from sync_assets.relay.runs import DOWNLOADS, MEDIA, UPLOADS, drive_for_run
from sync_assets.settings import Settings

# Days before the first release have no media; today is a partition already.
PARTITIONS = dg.DailyPartitionsDefinition(start_date="2026-01-01", timezone="UTC", end_offset=1)


def build_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """Build the assets.

    Args:
        settings: The whole configuration.
    """
    off = "" if settings.relay.enabled else " **Off: set relay.enabled in sync.toml.**"

    @dg.multi_asset(
        name="relay",
        group_name=DOMAIN,
        partitions_def=PARTITIONS,
        pool=DOMAIN,
        can_subset=True,
        specs=[
            dg.AssetSpec(
                MEDIA,
                skippable=True,
                kinds={"api"},
                description="What came from Telegram and from links, by day of arrival: each "
                f"medium once, however many messages bring it.{off}",
            ),
            dg.AssetSpec(
                DOWNLOADS,
                deps=[MEDIA],
                skippable=True,
                kinds={"file"},
                description="The files of these media, each verified by size, checksum and "
                f"content. A run drives whatever is open to rest, of all days.{off}",
            ),
            dg.AssetSpec(
                UPLOADS,
                deps=[DOWNLOADS],
                skippable=True,
                kinds={"file"},
                description=f"These files at their targets ({_targets(settings)}), each verified "
                f"there before it is removed here.{off}",
            ),
        ],
    )
    def relay(
        context: dg.AssetExecutionContext, ledger: dg.ResourceParam[Ledger]
    ) -> Generator[dg.MaterializeResult]:
        yield from drive_for_run(context, settings, ledger)

    return [relay]


def _targets(settings: Settings) -> str:
    return ", ".join(settings.relay.targets) or "none is configured"
