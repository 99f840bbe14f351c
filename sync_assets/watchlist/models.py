"""The terms of the watchlist: what users watch, its episodes, and what becomes of both."""

from enum import StrEnum

INTERVAL_HOURS = (1, 168)
"""An item is checked at most once an hour and at least once a week."""


class ItemState(StrEnum):
    """Whether an item is checked; the API calls it the item's status.

    `completed`: no further episode is expected. `archived`: kept only to be looked at.
    """

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ARCHIVED = "archived"


class Quality(StrEnum):
    """Which picture a user wants: the best there is, or this one, or the best below it."""

    AUTO = "auto"
    FULL_HD = "1080p"
    HD = "720p"
    SD = "480p"


class EpisodeState(StrEnum):
    """How far an episode is.

    `expected`: known to come, offered by nobody yet. `found`: offered; nobody has decided, as with
    automatic downloads off or a doubtful number. `wanted`: to be downloaded as soon as there is
    room. `waiting`: offered, but not yet as wanted, until `not_before`. `queued`: the relay has it.
    `skipped`: the user or a rule does not want it. `had`: the user has it from elsewhere.
    """

    EXPECTED = "expected"
    FOUND = "found"
    WANTED = "wanted"
    WAITING = "waiting"
    QUEUED = "queued"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    FAILED = "failed"
    SKIPPED = "skipped"
    HAD = "had"


OPEN_EPISODES = (EpisodeState.QUEUED, EpisodeState.DOWNLOADING)
"""The states in which the relay is at work on an episode; these count against the limit."""


class CheckOutcome(StrEnum):
    """What became of looking for episodes of an item.

    `empty`: the list was read and holds nothing. `no_data`: the provider answered without a list,
    which says nothing about the episodes. `broken`: it could not be asked, or has another form.
    `blocked`: it does not want programs. `interrupted`: the check was killed or its item was
    taken away meanwhile.
    """

    OK = "ok"
    EMPTY = "empty"
    NO_DATA = "no_data"
    BROKEN = "broken"
    BLOCKED = "blocked"
    INTERRUPTED = "interrupted"


class ShareKind(StrEnum):
    """What the bearer of a share's secret address may read."""

    FEED = "feed"
    """The owner's new episodes, for feed readers."""
    LIST = "list"
    """What the owner watches."""


CHECK_JOB = "watchlist_check"
"""The job that checks items: with a partition that one, without one all that are due."""

CHECK_SENSOR = "watchlist_due"
"""The sensor that starts the job for what is due; users know it as the scheduler."""

ITEM_PARTITIONS = "watchlist_items"
"""The name of the dynamic partitions: an item's id is its key."""
