"""Media for tests."""

from typing import Any

from sync_assets.relay.media import NewMedium
from sync_assets.relay.models import DownloadKind, Origin


def telegram_medium(unique_id: str, **values: Any) -> NewMedium:
    usual: dict[str, Any] = {
        "key": f"telegram:{unique_id}",
        "origin": Origin.TELEGRAM,
        "kind": DownloadKind.TELEGRAM,
        "name": "video.mp4",
        "source": "telegram",
        "bot_id": "123456",
        "file_id": f"file-{unique_id}",
    }
    return NewMedium(**{**usual, **values})


def link_medium(link: str, **values: Any) -> NewMedium:
    usual: dict[str, Any] = {
        "key": f"link:{link}",
        "origin": Origin.LINK,
        "kind": DownloadKind.HTTP,
        "name": link.rpartition("/")[2],
        "source": "test",
        "link": link,
    }
    return NewMedium(**{**usual, **values})
