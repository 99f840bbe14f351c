"""What a report is: what identifies it, how far it may be, and what is to be changed by it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class ReportState(StrEnum):
    """How far a report is.

    `withdrawn` is no longer wanted, or left alone because of what the user has set by hand.
    `undone` was taken back by the user.
    """

    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


class ReportKind(StrEnum):
    """What is reported: a main episode, a special, or the subject's entry in the collection."""

    MAIN = "main"
    SPECIAL = "special"
    COLLECTION = "collection"


class ReportKey(NamedTuple):
    """What identifies a report within its account.

    Attributes:
        subject: The Bangumi subject.
        kind: What is reported.
        number: The episode's number within the subject; 0 for the entry in the collection.
    """

    subject: int
    kind: ReportKind
    number: int


def collection_key(subject: int) -> ReportKey:
    """Return the key of a subject's entry in the collection."""
    return ReportKey(subject, ReportKind.COLLECTION, 0)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a report should be after Bangumi was read.

    Attributes:
        key: Which report.
        state: What becomes of it.
        title: What it is, for people.
        target_type: What the episode or the entry shall be; the API's number.
        target_rate: The rating that the entry shall have; None leaves it.
        previous_type: What it is now; None for an entry that does not exist.
        previous_rate: The rating that it has now.
        episode_id: Bangumi's id of the episode.
        watched_at: When it was last watched; of an entry, when a media server last began to play
            it.
        confidence: How sure its place is.
        reason: Why, where that is not plain.
        not_before: When a failed one is tried again.
    """

    key: ReportKey
    state: ReportState
    title: str
    target_type: int | None = None
    target_rate: int | None = None
    previous_type: int | None = None
    previous_rate: int | None = None
    episode_id: int | None = None
    watched_at: datetime | None = None
    confidence: float | None = None
    reason: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A stored report; `Draft` describes the attributes that it shares.

    Attributes:
        id: Its row.
        sent_by_run: The run that last changed it at Bangumi; None where it was so already.
        attempts: How often it failed in a row.
        read_at: When Bangumi was last read for it.
    """

    id: int
    key: ReportKey
    state: ReportState
    title: str
    target_type: int | None
    target_rate: int | None
    previous_type: int | None
    previous_rate: int | None
    episode_id: int | None
    watched_at: datetime | None
    confidence: float | None
    reason: str | None
    not_before: datetime | None
    sent_by_run: str | None
    attempts: int
    read_at: datetime | None
