"""Which HTTP status each error of the watchlist is."""

from collections.abc import Mapping
from http import HTTPStatus

from sync_assets.addresses import AddressError
from sync_assets.errors import SyncError
from sync_assets.watchlist.intake.access import NoSuchProviderError
from sync_assets.watchlist.intake.adding import TitleMissingError
from sync_assets.watchlist.intake.backup import BackupError
from sync_assets.watchlist.intake.previewing import ProviderUnknownError
from sync_assets.watchlist.numbering import UnusableNumberError
from sync_assets.watchlist.providers import PageUnavailableError
from sync_assets.watchlist.store.episode_wishes import EpisodeNotPossibleError
from sync_assets.watchlist.store.items import AlreadyWatchedError

STATUS_OF_ERROR: Mapping[type[SyncError], HTTPStatus] = {
    AlreadyWatchedError: HTTPStatus.CONFLICT,
    EpisodeNotPossibleError: HTTPStatus.CONFLICT,
    # The address is the user's: what is wrong with it, or behind it, is wrong with the request.
    AddressError: HTTPStatus.UNPROCESSABLE_ENTITY,
    PageUnavailableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NoSuchProviderError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProviderUnknownError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TitleMissingError: HTTPStatus.UNPROCESSABLE_ENTITY,
    BackupError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnusableNumberError: HTTPStatus.UNPROCESSABLE_ENTITY,
}
