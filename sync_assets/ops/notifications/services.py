"""Hand a message to the services that the user has chosen; Apprise knows how each is talked to."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from pydantic import SecretStr

from sync_assets import __version__


class MessageKind(StrEnum):
    """How a message looks, where the service shows it: Apprise's own names."""

    INFORMATION = "info"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True)
class Message:
    """What is sent.

    Attributes:
        kind: How it looks.
        title: One line.
        text: Plain text.
    """

    kind: MessageKind
    title: str
    text: str


def send(urls: Sequence[SecretStr], message: Message) -> dict[int, str]:
    """Send a message to every address, at the same time.

    Args:
        urls: The addresses.
        message: What to send.

    Returns:
        What is wrong with each address that did not take it, by its number from 1. The addresses
        themselves are secret.
    """
    # Apprise takes a fifth of a second, which no other process needs.
    import apprise  # noqa: PLC0415

    # Its own log names addresses.
    logging.getLogger("apprise").disabled = True
    asset = apprise.AppriseAsset(
        app_id="sync_assets",
        app_desc=f"sync_assets {__version__}",
        app_url="",
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )

    def send_one(url: SecretStr) -> str | None:
        service = apprise.Apprise.instantiate(url.get_secret_value(), asset=asset)
        if service is None:
            return "is no address that Apprise knows"
        is_sent = service.notify(
            title=message.title,
            body=message.text or message.title,
            notify_type=apprise.NotifyType(message.kind),
            body_format=apprise.NotifyFormat.TEXT,
        )
        return None if is_sent else "did not take the message"

    with ThreadPoolExecutor(max_workers=max(1, len(urls))) as pool:
        problems = list(pool.map(send_one, urls))
    return {number: problem for number, problem in enumerate(problems, start=1) if problem}
