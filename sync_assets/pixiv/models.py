"""The terms of the domain: states, and the records that pass between its modules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sync_assets.errors import ItemFailure

DOMAIN = "pixiv"


class Visibility(StrEnum):
    """Which of an account's two lists a bookmark is in."""

    PUBLIC = "public"
    PRIVATE = "private"


class BookmarkState(StrEnum):
    """What a bookmark leads to, as far as the list says.

    `limited` works are shown only to some readers, `locked` ones to the artist's friends.
    """

    AVAILABLE = "available"
    LIMITED = "limited"
    LOCKED = "locked"
    DELETED = "deleted"


class WorkState(StrEnum):
    """Where a work is on its way to files.

    `failed` has used up its attempts and waits for the next full pass; `unavailable` cannot be
    had from Pixiv; `unwanted` is filtered out, or was unbookmarked before it was downloaded.
    """

    WANTED = "wanted"
    COMPLETE = "complete"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    UNWANTED = "unwanted"


class FileState(StrEnum):
    """What is known of a file.

    `rejected` was not what it should be and was removed; `missing` was verified once and is gone;
    `archived` is known from an adopted archive, without a file.
    """

    VERIFIED = "verified"
    REJECTED = "rejected"
    MISSING = "missing"
    ARCHIVED = "archived"


class FileKind(StrEnum):
    """What a file is of its work: a page, the zip of an ugoira's frames, or the video of it."""

    PAGE = "page"
    UGOIRA = "ugoira"
    ANIMATION = "animation"


@dataclass(frozen=True)
class ListedWork:
    """A bookmark as a list pass saw it.

    Attributes:
        fields: The columns of the table of bookmarks that come from Pixiv.
        version: When its newest file was uploaded, as in its address; empty where not known.
        frames: An ugoira's frames with their delays in milliseconds; None where not known.
    """

    work_id: int
    visibility: Visibility
    state: BookmarkState
    fields: Mapping[str, Any]
    version: str = ""
    frames: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class FileFact:
    """A file that gallery-dl says is present.

    Attributes:
        version: When it was uploaded, as in its address.
        path: Where it is, absolute.
        is_new: Whether gallery-dl downloaded it just now.
    """

    work_id: int
    page: int
    version: str
    path: str
    is_new: bool


@dataclass
class StageResult:
    """What one asset did for one account.

    Attributes:
        numbers: What is counted, for metadata, health and logs.
        failures: The items that could not be dealt with.
        warnings: Why less was done than could have been, as sentences.
        pictures: Paths of the newest pictures, newest first.
    """

    numbers: dict[str, float] = field(default_factory=dict)
    failures: list[ItemFailure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def count(self, name: str, amount: float = 1) -> None:
        """Add to a number."""
        self.numbers[name] = self.numbers.get(name, 0) + amount
