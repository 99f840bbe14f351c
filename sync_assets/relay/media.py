"""Media: everything that is to be relayed, once each, however many messages bring it.

Holds the only functions that write to `relay_media` and `relay_messages`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.schema import relay_media, relay_messages
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.relay.models import DownloadKind, MediaState, Origin

MEDIA = Lifecycle(
    "relay_medium",
    states=MediaState,
    initial={MediaState.ARRIVED},
    transitions={
        MediaState.ARRIVED: {MediaState.DOWNLOADED, MediaState.FAILED, MediaState.CANCELLED},
        MediaState.DOWNLOADED: {
            MediaState.RELAYED,
            MediaState.ARRIVED,
            MediaState.FAILED,
            MediaState.CANCELLED,
        },
        MediaState.RELAYED: {MediaState.ARRIVED, MediaState.DOWNLOADED},
        MediaState.FAILED: {MediaState.ARRIVED, MediaState.CANCELLED},
        MediaState.CANCELLED: {MediaState.ARRIVED},
    },
)
MEDIA.bind(relay_media)


@dataclass(frozen=True)
class NewMedium:
    """Something to relay.

    Attributes:
        key: What makes it the same medium when it comes again.
        origin: How it is fetched.
        kind: What it is to aria2.
        name: The file's name as its sender gave it; not yet safe for a disk. Empty if unknown.
        source: Who wants it, such as `telegram`, `api` or another domain's name.
        mime: Its declared type.
        size_bytes: Its declared size.
        checksum: Its checksum as `sha-256=…`, where the sender knows it.
        caption: The text that came with it.
        album: The group of messages that it came in.
        sender: Who sent it.
        chat_id: The chat that it came in.
        bot_id: The bot that `file_id` is for.
        file_id: Telegram's id of the file.
        link: Where it is.
        torrent: The content of its `.torrent` file.
        infohash: The torrent's, in lower-case hexadecimal.
        targets: The names of its upload targets; None for the configured ones.
    """

    key: str
    origin: Origin
    kind: DownloadKind
    name: str
    source: str
    mime: str | None = None
    size_bytes: int | None = None
    checksum: str | None = None
    caption: str = ""
    album: str | None = None
    sender: str | None = None
    chat_id: str | None = None
    bot_id: str | None = None
    file_id: str | None = None
    link: str | None = None
    torrent: bytes | None = None
    infohash: str | None = None
    targets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class MessageRef:
    """The message that brought a medium.

    Attributes:
        chat_id: Its chat.
        message_id: Its id there.
        thread: What one status message answers: the album, or the message itself.
        sender: Who sent it.
        caption: Its text.
    """

    chat_id: str
    message_id: int
    thread: str
    sender: str | None = None
    caption: str = ""


def add_medium(connection: Connection, new: NewMedium) -> AnyRow:
    """Store a medium, or find the one that it is.

    Args:
        connection: A writing transaction of the ledger.
        new: The medium.

    Returns:
        Its row. Of one that was known, the file id and the link are replaced: the newest ones live
        longest. Not by another source's: how far a link may reach depends on who gave it.
    """
    now = utc_now()
    values: dict[str, Any] = {
        **vars(new),
        "targets": list(new.targets) if new.targets is not None else None,
        "day": now.date().isoformat(),
        "arrived_at": now,
    }
    known = find(connection, new)
    if known is None:
        (media_id,) = MEDIA.create(connection, [values])
        assert media_id is not None  # noqa: S101 - nothing conflicts: the ledger has one writer
        return medium(connection, media_id)
    fresh = {name: values[name] for name in ("bot_id", "file_id", "link") if values[name]}
    if fresh and (known.kind, known.source) == (new.kind, new.source):
        connection.execute(update(relay_media).where(relay_media.c.id == known.id).values(**fresh))
    return medium(connection, known.id)


def find(connection: Connection, new: NewMedium) -> AnyRow | None:
    """Return the row of a medium, by its key or its torrent; None where it is new.

    Args:
        connection: A transaction of the ledger.
        new: The medium.
    """
    found = connection.execute(
        select(relay_media).where(relay_media.c.key == new.key)
    ).one_or_none()
    if found is None and new.infohash is not None:
        query = select(relay_media).where(relay_media.c.infohash == new.infohash)
        found = connection.execute(query).one_or_none()
    return found


def add_message(
    connection: Connection, message: MessageRef, media_id: int, *, is_edit: bool = False
) -> bool:
    """Store that a message brought a medium.

    Args:
        connection: A writing transaction of the ledger.
        message: The message.
        media_id: What it brought.
        is_edit: Whether its text goes before the one that is stored; an original that comes after
            its edit changes nothing.

    Returns:
        Whether the message is new.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    columns = relay_messages.c
    added = connection.execute(
        dialect.insert(relay_messages)
        .values(**vars(message), media_id=media_id, received_at=utc_now())
        .on_conflict_do_nothing(index_elements=["chat_id", "message_id", "media_id"])
        .returning(columns.id)
    ).scalar()
    if added is None and is_edit:
        connection.execute(
            update(relay_messages)
            .where(
                columns.chat_id == message.chat_id,
                columns.message_id == message.message_id,
                columns.media_id == media_id,
                columns.caption != message.caption,
            )
            .values(caption=message.caption, edited_at=utc_now())
        )
    return added is not None


def set_caption(connection: Connection, media_id: int, caption: str) -> None:
    """Replace a medium's caption after its message was edited.

    Args:
        connection: A writing transaction of the ledger.
        media_id: The medium.
        caption: The new text.
    """
    connection.execute(
        update(relay_media).where(relay_media.c.id == media_id).values(caption=caption)
    )


def set_torrent(connection: Connection, media_id: int, content: bytes, infohash: str) -> int | None:
    """Keep a medium's torrent, which was fetched after it had arrived.

    Args:
        connection: A writing transaction of the ledger.
        media_id: The medium.
        content: The `.torrent` file.
        infohash: The torrent's, in lower-case hexadecimal.

    Returns:
        None; the id of another medium where that is the same torrent, and nothing is kept.
    """
    query = select(relay_media.c.id).where(
        relay_media.c.infohash == infohash, relay_media.c.id != media_id
    )
    other = connection.execute(query).scalar()
    if other is None:
        connection.execute(
            update(relay_media)
            .where(relay_media.c.id == media_id)
            .values(torrent=content, infohash=infohash)
        )
    return other


def medium(connection: Connection, media_id: int) -> AnyRow:
    """Return a medium.

    Args:
        connection: A transaction of the ledger.
        media_id: Which.
    """
    return connection.execute(select(relay_media).where(relay_media.c.id == media_id)).one()


def set_state(
    connection: Connection, media_ids: Collection[int], state: MediaState, *, run_id: str | None
) -> None:
    """Bring media into a state; those that are in it stay as they are.

    Args:
        connection: A writing transaction of the ledger.
        media_ids: The media.
        state: The state.
        run_id: The Dagster run.
    """
    others = set(MediaState) - {state}
    MEDIA.transition_all(connection, sorted(media_ids), state, expected=others, run_id=run_id)
