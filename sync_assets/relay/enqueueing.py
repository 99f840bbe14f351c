"""Want something to be relayed: for other domains, the API and the command line."""

from collections.abc import Sequence

from sqlalchemy import Connection

from sync_assets.relay.downloads import Wanted, want
from sync_assets.relay.links import LinkError, parse_link
from sync_assets.relay.media import NewMedium
from sync_assets.relay.models import DownloadKind, Origin
from sync_assets.relay.torrents import infohash


def enqueue(  # noqa: PLR0913 - all but the connection are named, most are optional
    connection: Connection,
    *,
    source: str,
    link: str | None = None,
    torrent: bytes | None = None,
    key: str | None = None,
    name: str | None = None,
    mime: str | None = None,
    size_bytes: int | None = None,
    checksum: str | None = None,
    targets: Sequence[str] | None = None,
    run_id: str | None = None,
) -> Wanted:
    """Queue a link or a torrent, as far as it is not queued or relayed yet.

    Doing it again changes nothing; with the same key and a fresh link it revives a download that
    failed because its link had expired.

    Args:
        connection: A writing transaction of the ledger.
        source: Who wants it: a domain's name, or `api`; how far its links may reach depends on it.
        link: An http, https or magnet link, or the address of a `.torrent` file.
        torrent: The content of a `.torrent` file, instead of a link.
        key: What makes it the same thing when it comes again, unique within the source. Without
            it: the link, or the torrent.
        name: What to call the file; without it, as the link does.
        mime: Its type, if known; another one is not accepted then.
        size_bytes: Its size, if known; another one is not accepted then.
        checksum: Its SHA-256 as `sha-256=…`, if known.
        targets: The names of its upload targets; None for the configured ones.
        run_id: The Dagster run, for the history.

    Returns:
        The medium and its download.

    Raises:
        LinkError: The link can be downloaded by nobody, or there is none.
        TorrentError: The torrent is none.
    """
    if torrent is not None:
        digest = infohash(torrent)
        new = NewMedium(
            key=f"{source}:{key}" if key else f"torrent:{digest}",
            origin=Origin.LINK,
            kind=DownloadKind.TORRENT,
            name=name or "",
            source=source,
            torrent=torrent,
            infohash=digest,
            targets=tuple(targets) if targets is not None else None,
        )
        return want(connection, new, run_id=run_id)
    if link is None:
        raise LinkError("There is neither a link nor a torrent.", remedy="Give one of them.")
    parsed = parse_link(link)
    new = NewMedium(
        key=f"{source}:{key}" if key else parsed.key,
        origin=Origin.LINK,
        kind=parsed.kind,
        name=name or parsed.name,
        source=source,
        mime=mime,
        size_bytes=size_bytes,
        checksum=checksum,
        link=parsed.address,
        infohash=parsed.infohash,
        targets=tuple(targets) if targets is not None else None,
    )
    return want(connection, new, run_id=run_id)
