"""Add what a user wants to watch: find out what the user did not say, then keep it."""

from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist import items
from sync_assets.watchlist.access import ProviderAccess
from sync_assets.watchlist.forms import LONGEST_TITLE, ItemForm
from sync_assets.watchlist.items import NewItem
from sync_assets.watchlist.previewing import check_address, detect, preview
from sync_assets.watchlist.providers import PageUnavailableError, SeriesReference
from sync_assets.watchlist.texts import storable

_SHOWN_WORKS = 5


class TitleMissingError(SyncError):
    """Neither the user nor the page says the title."""


def add(ledger: Ledger, access: ProviderAccess, owner: str, form: ItemForm) -> AnyRow:
    """Watch something. What the user did not say is read from the page at the address.

    Args:
        ledger: The ledger.
        access: Reaches providers.
        owner: The user.
        form: What the user says.

    Returns:
        The new item's row.

    Raises:
        AlreadyWatchedError: The user watches this address already.
        AddressRefusedError: The address may not be asked.
        PageUnavailableError: The page is needed and cannot be had.
        NoSuchProviderError: The user names a provider that there is not.
        ProviderUnknownError: No provider fits.
        TitleMissingError: The page says no title.
    """
    check_address(access, form.url)
    with ledger.read() as connection:
        known = items.find(connection, owner, form.url)
    if known is not None:
        raise items.AlreadyWatchedError(known.id)
    is_complete = form.provider is not None and form.title is not None
    new = said(access, form) if is_complete else _completed(access, form)
    with ledger.write() as connection:
        return items.add(connection, owner, new)


def said(access: ProviderAccess, form: ItemForm) -> NewItem:
    """Return an item of what the user says alone, without asking anybody.

    Args:
        access: Reaches providers.
        form: What the user says.

    Raises:
        NoSuchProviderError: The user names a provider that there is not.
        ProviderUnknownError: The address alone does not tell the provider.
        TitleMissingError: The user says no title.
    """
    if form.title is None:
        raise TitleMissingError("The title is missing.", remedy="Give the title.")
    return _new(form, title=form.title, provider=detect(access, form.url, form.provider))


def _completed(access: ProviderAccess, form: ItemForm) -> NewItem:
    series = SeriesReference(form.url, form.title, form.language)
    try:
        seen = preview(access, series, form.provider)
    except PageUnavailableError as error:
        raise PageUnavailableError(
            error.message, remedy=f"{error.remedy} Or say both the title and the provider."
        ) from error
    title = form.title or seen.title
    if not title and seen.works:
        titles = ", ".join(seen.works[:_SHOWN_WORKS])
        raise TitleMissingError(
            f"The list holds {len(seen.works)} works, among them {storable(titles, longest=500)}.",
            remedy="Give the title of the one to watch.",
        )
    if not title:
        raise TitleMissingError(
            seen.result.message or "The page says no title.", remedy="Give the title."
        )
    found: dict[str, Any] = {
        "poster_url": form.poster_url or seen.details.poster_url,
        "synopsis": form.synopsis or seen.details.synopsis,
        "genres": form.genres or seen.details.genres,
    }
    return _new(form, title=storable(title, longest=LONGEST_TITLE), provider=seen.provider, **found)


def _new(form: ItemForm, **found: Any) -> NewItem:
    values: dict[str, Any] = form.model_dump(exclude={"status"}) | {"state": form.status} | found
    return NewItem(**values)
