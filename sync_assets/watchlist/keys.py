"""The keys of the watchlist's assets."""

import dagster as dg

from sync_assets.watchlist.reporting import DOMAIN

ITEMS = dg.AssetKey([DOMAIN, "items"])
EPISODES = dg.AssetKey([DOMAIN, "episodes"])
DOWNLOADS = dg.AssetKey([DOMAIN, "downloads"])
