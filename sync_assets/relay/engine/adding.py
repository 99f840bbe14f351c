"""How each kind of download is given to aria2: always under its own gid, in its own folder."""

import base64
from collections.abc import Callable
from pathlib import Path

import httpx

from sync_assets.addresses import AddressError
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.aria2.rpc import Call
from sync_assets.relay.engine.folders import DownloadFolders
from sync_assets.relay.engine.outcomes import (
    GiveUp,
    Outcome,
    TorrentFetched,
    TryAgain,
    outcome_of_status,
)
from sync_assets.relay.engine.probing import retry_after_seconds
from sync_assets.relay.engine.reach import Reach, outcome_of_address
from sync_assets.relay.models import DownloadKind, Reason, ReasonCode
from sync_assets.relay.torrents import MAXIMUM_TORRENT_BYTES, TorrentError, infohash
from sync_assets.settings.relay import RelaySettings

BOT_API_MAXIMUM_BYTES = 20 * 1024 * 1024
"""What the Bot API at api.telegram.org gives: https://core.telegram.org/bots/api#getfile."""

TOO_LARGE_FOR_BOT_API = Reason(
    ReasonCode.TOO_LARGE_FOR_BOT_API,
    "Telegram's Bot API gives no files above 20 MB. Run a local Bot API server, set "
    "telegram.base_url to it and relay.local_bot_api = true, then retry; docs/relay.md says how.",
)
NO_GATEWAY = Reason(
    ReasonCode.TELEGRAM_REFUSED,
    "No Telegram bot is configured. Set telegram.bot_token, then retry.",
)


class Adding:
    """Builds the calls that add downloads.

    Args:
        settings: The configuration of the relay.
        folders: Where downloads lie.
        gateway_url: Gives the address of a medium that Telegram holds; None without a bot.
        reach: How far downloads may reach.
    """

    def __init__(
        self,
        settings: RelaySettings,
        folders: DownloadFolders,
        gateway_url: Callable[[int], str] | None,
        reach: Reach,
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._gateway_url = gateway_url
        self._reach = reach

    def refusal(self, row: AnyRow) -> Reason | None:
        """Say why a download cannot be tried as things are configured; None where it can.

        Args:
            row: The download, with its medium.
        """
        if row.media_kind != DownloadKind.TELEGRAM:
            return None
        if self._gateway_url is None:
            return NO_GATEWAY
        is_large = (row.expected_bytes or 0) > BOT_API_MAXIMUM_BYTES
        return TOO_LARGE_FOR_BOT_API if is_large and not self._settings.local_bot_api else None

    def needs_torrent(self, row: AnyRow) -> bool:
        """Tell whether a download's torrent has to be fetched before aria2 can have it.

        Args:
            row: The download, with its medium.
        """
        return row.media_kind == DownloadKind.TORRENT and row.media_torrent is None

    def call(self, row: AnyRow) -> Call:
        """Return the call that adds a download.

        Args:
            row: The download, with its medium.
        """
        options = {
            "gid": row.gid,
            "dir": str(self._folders.folder(row)),
            **self._reach.aria2_options(row),
        }
        if row.media_torrent is not None:
            content = base64.b64encode(row.media_torrent).decode()
            return Call("aria2.addTorrent", (content, [], {**options, **self._torrent_options()}))
        if row.media_kind == DownloadKind.MAGNET:
            metadata_only = {"bt-metadata-only": "true", "bt-save-metadata": "true"}
            return Call(
                "aria2.addUri",
                ([row.media_link], {**options, **self._torrent_options(), **metadata_only}),
            )
        options["out"] = self._folders.file(row).name
        return Call("aria2.addUri", ([self.address(row)], options))

    def address(self, row: AnyRow) -> str:
        """Return where aria2 gets a download that is one file.

        Args:
            row: The download, with its medium.
        """
        if row.media_kind == DownloadKind.TELEGRAM and self._gateway_url is not None:
            return self._gateway_url(row.media_id)
        return row.media_link

    def _torrent_options(self) -> dict[str, str]:
        return {
            "check-integrity": "true",
            "bt-stop-timeout": str(self._settings.torrent_stall_seconds),
        }


def fetch_torrent(
    link: str, *, timeout_seconds: float, transport: httpx.BaseTransport | None = None
) -> Outcome:
    """Fetch a torrent's file.

    Args:
        link: Where it is.
        timeout_seconds: How long the origin may be silent.
        transport: What the request goes through; None for the usual.

    Returns:
        The torrent, or what became of it.
    """
    content = bytearray()
    client = httpx.Client(transport=transport, follow_redirects=True, timeout=timeout_seconds)
    try:
        with client, client.stream("GET", link, headers={"User-Agent": "sync_assets"}) as response:
            if response.status_code >= 400:
                asked = retry_after_seconds(response.headers.get("retry-after", ""))
                return outcome_of_status(response.status_code, asked)
            for block in response.iter_bytes():
                content += block
                if len(content) > MAXIMUM_TORRENT_BYTES:
                    return GiveUp(
                        Reason(ReasonCode.BAD_TORRENT, "It is no torrent: too large. Check it.")
                    )
        infohash(bytes(content))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return TryAgain(
            Reason(
                ReasonCode.NETWORK,
                f"The torrent's file could not be fetched ({type(error).__name__}). Nothing to do.",
            )
        )
    except AddressError as error:
        return outcome_of_address(error)
    except TorrentError as error:
        return GiveUp(Reason(ReasonCode.BAD_TORRENT, f"{error.message} {error.remedy}"))
    return TorrentFetched(bytes(content))


def saved_torrent(folder: Path) -> Outcome:
    """Read the torrent that aria2 has made of a magnet.

    Args:
        folder: The download's folder.
    """
    for path in folder.glob("*.torrent"):
        content = path.read_bytes()
        path.unlink()
        return TorrentFetched(content)
    return TryAgain(
        Reason(ReasonCode.BAD_TORRENT, "aria2 has not saved the magnet's torrent. Nothing to do.")
    )
