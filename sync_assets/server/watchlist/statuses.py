"""Which HTTP status each error of the watchlist is."""

from collections.abc import Mapping
from http import HTTPStatus

from sync_assets.errors import SyncError
from sync_assets.watchlist.access import NoSuchProviderError
from sync_assets.watchlist.adding import TitleMissingError
from sync_assets.watchlist.backup import BackupError
from sync_assets.watchlist.episode_wishes import EpisodeNotPossibleError
from sync_assets.watchlist.items import AlreadyWatchedError
from sync_assets.watchlist.numbering import UnusableNumberError
from sync_assets.watchlist.previewing import ProviderUnknownError
from sync_assets.watchlist.providers import PageUnavailableError

STATUS_OF_ERROR: Mapping[type[SyncError], HTTPStatus] = {
    AlreadyWatchedError: HTTPStatus.CONFLICT,
    EpisodeNotPossibleError: HTTPStatus.CONFLICT,
    # The address is the user's: what is wrong with it, or behind it, is wrong with the request.
    PageUnavailableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchProviderError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProviderUnknownError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TitleMissingError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BackupError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnusableNumberError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
