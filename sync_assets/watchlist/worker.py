"""A run of the watchlist: follow downloads, check what is due, queue what has room by now.

Plain Python: a Dagster run, a test or a command line drives the same worker. Several may be at
work: what must not happen twice holds an item's lease.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import watchlist_episodes
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.progress import Progress
from sync_assets.settings import Settings
from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist import items, schedule
from sync_assets.watchlist.checking import Checker, CheckReport
from sync_assets.watchlist.following import Follower, FollowReport, has_news
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.providers import Client, installed_providers
from sync_assets.watchlist.providers.addresses import AddressGuard
from sync_assets.watchlist.providers.client import PageClient
from sync_assets.watchlist.providers.pacing import HostPace, LedgerPace
from sync_assets.watchlist.queueing import free_places

MOST_ITEMS = 10_000
"""The most items of one run; the next run takes the rest."""

_E = EpisodeState
_logger = logging.getLogger(__name__)
