"""Queue the posts of works in the Telegram outbox: the one place that knows the other domain."""

from sqlalchemy import Connection

from sync_assets.pixiv.announcing import Announce, Announcement
from sync_assets.pixiv.files import StoredFile
from sync_assets.pixiv.models import DOMAIN, FileKind
from sync_assets.settings import Settings
from sync_assets.telegram.outbox import Media, MediaKind, Work, enqueue


def telegram_announcer(settings: Settings) -> Announce:
    """Return what queues the posts of a work for the configured chats.

    Args:
        settings: The whole configuration, which names the chats.
    """

    def announce(connection: Connection, announcement: Announcement) -> int:
        chat_ids = announcement.chat_ids
        if chat_ids is None:
            chat_ids = settings.telegram.chat_ids
        if not chat_ids:
            return 0
        details = announcement.details
        return enqueue(
            connection,
            partition=announcement.account,
            work=Work(
                source=DOMAIN,
                work_id=str(announcement.work_id),
                title=details["title"],
                author=details["author"],
                author_id=details["author_id"],
                url=details["url"],
                tags=tuple(details["tags"]),
                rating=details["rating"],
                is_ai=details["is_ai"],
            ),
            media=[
                Media(
                    page=each.page,
                    path=announcement.directory / each.path,
                    content_sha256=each.sha256,
                    kind=_kind(each),
                )
                for each in announcement.files
            ],
            chat_ids=chat_ids,
        )

    return announce


def posting_chats(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the Telegram chats of each account.

    Args:
        settings: The whole configuration.
    """
    return {
        name: settings.telegram.chat_ids if account.chat_ids is None else account.chat_ids
        for name, account in settings.pixiv.accounts.items()
    }


def _kind(file: StoredFile) -> MediaKind:
    if file.kind is FileKind.ANIMATION:
        return MediaKind.ANIMATION
    return MediaKind.ANIMATION if file.path.endswith(".gif") else MediaKind.PHOTO
