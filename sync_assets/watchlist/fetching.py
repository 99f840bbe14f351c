"""What of a release the relay gets: its link, or its torrent, fetched through the guard.

Whatever a list says, nothing leads the relay where the item's user may not make this program go.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from sync_assets.errors import SyncError
from sync_assets.ledger.types import AnyRow
from sync_assets.watchlist.providers import (
    AddressRefusedError,
    Client,
    NotResolvableError,
    PageUnavailableError,
    Provider,
    Variant,
    VariantKind,
)


@dataclass(frozen=True)
class Fetchable:
    """What the relay gets.

    Attributes:
        link: The address of a file, or a magnet link; None for a torrent.
        torrent: The content of a torrent file.
        suffix: The file's extension with its dot, where the address or the name tells it.
    """

    link: str | None = None
    torrent: bytes | None = None
    suffix: str = ""


class ReleaseUnavailableError(SyncError):
    """A release cannot be had.

    Args:
        message: What went wrong.
        remedy: What the user can do.
        is_temporary: Whether it may be had later.
    """

    def __init__(self, message: str, *, remedy: str, is_temporary: bool) -> None:
        super().__init__(message, remedy=remedy)
        self.is_temporary = is_temporary


def fetchable(release: AnyRow, provider: Provider, client: Client) -> Fetchable:
    """Find out what the relay has to get for a release.

    Args:
        release: The release's row.
        provider: The provider that lists it.
        client: Fetches.

    Raises:
        ReleaseUnavailableError: It cannot be had.
    """
    variant = Variant(
        uri=release.link,
        kind=VariantKind(release.link_kind),
        key=release.key,
        name=release.name,
        resolution=release.resolution,
        group=release.release_group,
        version=release.version,
        language=release.language,
        size_bytes=release.size_bytes,
        infohash=release.infohash,
    )
    try:
        download = provider.resolve(variant, client)
        address = download.uris[0]
        if download.kind is VariantKind.MAGNET:
            return Fetchable(link=address)
        if download.kind is VariantKind.TORRENT:
            return Fetchable(torrent=client.get(address).content)
        client.check(address)
        name = download.file_name or unquote(urlsplit(address).path)
        return Fetchable(link=address, suffix=PurePosixPath(name).suffix)
    except (AddressRefusedError, NotResolvableError) as error:
        raise ReleaseUnavailableError(
            error.message, remedy=error.remedy, is_temporary=False
        ) from error
    except PageUnavailableError as error:
        raise ReleaseUnavailableError(
            error.message, remedy=error.remedy, is_temporary=True
        ) from error
    except Exception as error:
        # Providers of other packages may raise anything, and yt-dlp does.
        message = f"The provider {provider.id} fails: {type(error).__name__}."
        raise ReleaseUnavailableError(
            message, remedy="Choose another release, or update the provider.", is_temporary=True
        ) from error
