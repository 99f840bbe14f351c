"""Telegram's updates: what a message brings, and who sent it. Plain parsing, no ledger.

The forms: https://core.telegram.org/bots/api#message
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sync_assets.relay.links import LinkError, parse_link
from sync_assets.relay.media import MessageRef, NewMedium
from sync_assets.relay.models import DownloadKind, Origin

SOURCE = "telegram"
"""What the inbox and the media call this way in."""

_MESSAGES = ("message", "edited_message", "channel_post", "edited_channel_post")
_LINK = re.compile(r"(?:https?://|magnet:\?)\S+", re.IGNORECASE)
_MAXIMUM_LINKS = 20
_DEFAULT_TYPES: Mapping[str, tuple[str, str]] = {
    "animation": ("video/mp4", ".mp4"),
    "video": ("video/mp4", ".mp4"),
    "video_note": ("video/mp4", ".mp4"),
    "audio": ("audio/mpeg", ".mp3"),
    "voice": ("audio/ogg", ".ogg"),
    "photo": ("image/jpeg", ".jpg"),
    "sticker": ("", ""),
    "document": ("", ""),
}
"""Kinds of media in the order in which they are looked for: an animation is a document too."""


@dataclass(frozen=True)
class IncomingMessage:
    """A message to the bot.

    Attributes:
        ref: The message.
        sender_id: The user's number; None for a channel's post.
        is_edit: Whether it replaces what was said before.
        media: What it brings; empty where there is nothing to relay.
    """

    ref: MessageRef
    sender_id: int | None
    is_edit: bool
    media: tuple[NewMedium, ...]


def parse_update(update: Mapping[str, Any], *, bot_id: str) -> IncomingMessage | None:
    """Read an update.

    Args:
        update: As Telegram delivered it.
        bot_id: The bot that file ids are for.

    Returns:
        The message; None for an update of another kind.

    Raises:
        KeyError: A field is missing that Telegram always sends.
    """
    kind = next((each for each in _MESSAGES if each in update), None)
    if kind is None:
        return None
    message = update[kind]
    user = message.get("from") or {}
    album = message.get("media_group_id")
    ref = MessageRef(
        chat_id=str(message["chat"]["id"]),
        message_id=int(message["message_id"]),
        thread=f"album:{album}" if album else str(message["message_id"]),
        sender=_sender(message),
        caption=message.get("caption") or message.get("text") or "",
    )
    file = _file(message, ref, album, bot_id)
    media = [file] if file is not None else _links(message, ref)
    return IncomingMessage(ref, user.get("id"), kind.startswith("edited"), tuple(media))


def _file(
    message: Mapping[str, Any], ref: MessageRef, album: str | None, bot_id: str
) -> NewMedium | None:
    kind = next((each for each in _DEFAULT_TYPES if message.get(each)), None)
    if kind is None:
        return None
    file = message[kind]
    if kind == "photo":
        file = max(file, key=lambda size: size.get("file_size") or size["width"] * size["height"])
    mime, suffix = _DEFAULT_TYPES[kind]
    unique_id = file["file_unique_id"]
    return NewMedium(
        key=f"{SOURCE}:{unique_id}",
        origin=Origin.TELEGRAM,
        kind=DownloadKind.TELEGRAM,
        name=file.get("file_name") or f"{kind}_{unique_id}{suffix}",
        source=SOURCE,
        mime=file.get("mime_type") or mime or None,
        size_bytes=file.get("file_size"),
        caption=ref.caption,
        album=album,
        sender=ref.sender,
        chat_id=ref.chat_id,
        bot_id=bot_id,
        file_id=file["file_id"],
    )


def _links(message: Mapping[str, Any], ref: MessageRef) -> list[NewMedium]:
    media = []
    for text in _addresses(message)[:_MAXIMUM_LINKS]:
        try:
            link = parse_link(text)
        except LinkError:
            continue
        media.append(
            NewMedium(
                key=link.key,
                origin=Origin.LINK,
                kind=link.kind,
                name=link.name,
                source=SOURCE,
                caption=ref.caption,
                sender=ref.sender,
                chat_id=ref.chat_id,
                link=link.address,
                infohash=link.infohash,
            )
        )
    return media


def _addresses(message: Mapping[str, Any]) -> Sequence[str]:
    hidden = [each["url"] for each in message.get("entities", ()) if each.get("url")]
    return list(dict.fromkeys([*_LINK.findall(message.get("text") or ""), *hidden]))


def _sender(message: Mapping[str, Any]) -> str | None:
    sender = message.get("from") or message.get("sender_chat") or {}
    name = " ".join(
        each for each in (sender.get("first_name"), sender.get("last_name")) if each
    ) or sender.get("title")
    return name or sender.get("username") or (str(sender["id"]) if "id" in sender else None)
