"""The whole asset graph: each domain's definitions and the resources they share; nothing else."""

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

import sync_assets.bangumi.definitions as bangumi
import sync_assets.catalog.definitions as catalog
import sync_assets.ops.automation as operations
import sync_assets.pixiv.definitions as pixiv
import sync_assets.relay.definitions as relay
import sync_assets.strm.definitions as strm
import sync_assets.telegram.definitions as telegram
import sync_assets.trakt.definitions as trakt
import sync_assets.watchlist.definitions as watchlist
from sync_assets.bangumi.automation import build_job as build_trakt_to_bangumi
from sync_assets.executor import all_partitions_executor
from sync_assets.lake.resources import LakeIOManager, LakeResource
from sync_assets.logs import configure_logging
from sync_assets.pixiv.posting import posting_chats, telegram_announcer
from sync_assets.resources import ledger_resource
from sync_assets.settings import Settings, load_settings
from sync_assets.telegram.automation import posts_selection
from sync_assets.trakt.automation import build_selection as trakt_selection


def build_defs(
    settings: Settings | None = None, *, resources: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Assemble the graph.

    Args:
        settings: The configuration; without it, the one of the file and the environment.
        resources: Replacements by name, for tests and scripts.

    Returns:
        Everything that Dagster loads.
    """
    settings = settings or load_settings()
    lake = str(settings.lake_directory)
    shared = dg.Definitions(
        resources={
            "ledger": ledger_resource(settings),
            "lake": LakeResource(directory=lake),
            "io_manager": LakeIOManager(directory=lake),
            **(resources or {}),
        },
        executor=all_partitions_executor,
    )
    trakt_to_bangumi = build_trakt_to_bangumi(trakt_selection())
    with warnings.catch_warnings():
        # Parts of Dagster that this project has decided to use although they are beta.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.Definitions.merge(
            shared,
            pixiv.build_defs(
                settings, telegram_announcer(settings), also=posts_selection(settings.telegram)
            ),
            relay.build_defs(settings),
            strm.build_defs(settings),
            catalog.build_defs(settings),
            bangumi.build_defs(settings, trakt_to_bangumi),
            telegram.build_defs(settings, posting_chats(settings)),
            trakt.build_defs(settings, job=trakt_to_bangumi if settings.bangumi.accounts else None),
            watchlist.build_defs(settings),
            operations.build_defs(settings),
        )


@dg.definitions
def defs() -> dg.Definitions:
    """Load the configured graph, with logs in the home."""
    settings = load_settings()
    configure_logging(settings)
    return build_defs(settings)
