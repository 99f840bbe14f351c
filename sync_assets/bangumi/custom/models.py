"""What an event of a media server says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_assets.bangumi.matching.models import CustomItem
from sync_assets.errors import SyncError


class MalformedEventError(SyncError):
    """An event that cannot be understood, although it is one that counts."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message, remedy="Compare the sender's template with the one in docs/media-servers.md."
        )


class Action(StrEnum):
    """What somebody has done with an item."""

    WATCHED = "watched"
    STARTED = "started"


@dataclass(frozen=True, slots=True)
class CustomEvent:
    """Somebody has watched something, or has begun to.

    Attributes:
        action: Which of both.
        item: The episode or film, with its user and source.
        library: The library that it is in; None where the sender does not say.
        path: The path of its file; None where the sender does not say.
        occurred_at: When; None where the sender does not say.
    """

    action: Action
    item: CustomItem
    library: str | None = None
    path: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a payload says.

    Attributes:
        events: What was watched or begun; a file with two episodes is two.
        ignored: Why it says nothing of concern; None where it does.
    """

    events: tuple[CustomEvent, ...] = ()
    ignored: str | None = None
