"""Release names: what the name of a file or a torrent says about the episode in it."""

from sync_assets.watchlist.titles.models import (
    EpisodeKind,
    EpisodeNumbers,
    Language,
    Reading,
    ReleaseName,
)
from sync_assets.watchlist.titles.parsing import parse_release_name
from sync_assets.watchlist.titles.qualities import tier_of
from sync_assets.watchlist.titles.work_titles import comparable

__all__ = [
    "EpisodeKind",
    "EpisodeNumbers",
    "Language",
    "Reading",
    "ReleaseName",
    "comparable",
    "parse_release_name",
    "tier_of",
]
