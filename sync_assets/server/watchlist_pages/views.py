"""Items as the pages show them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from sync_assets.server.watchlist.answers import EpisodeAnswer, ItemAnswer
from sync_assets.watchlist.episode_counts import EpisodeCounts
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState
from sync_assets.watchlist.numbering import episode_text
from sync_assets.watchlist.searching import FoundItem

_BAD = frozenset({CheckOutcome.BROKEN, CheckOutcome.BLOCKED})
_RETRY, _WANT, _SKIP = ("retry", "Try again"), ("want", "Download"), ("skip", "Skip")
_WISHES: Mapping[EpisodeState, Sequence[tuple[str, str]]] = {
    EpisodeState.EXPECTED: (_SKIP,),
    EpisodeState.FOUND: (_WANT, _SKIP),
    EpisodeState.WANTED: (_SKIP,),
    EpisodeState.WAITING: (("want", "Download now"), _SKIP),
    EpisodeState.FAILED: (_RETRY, _SKIP),
    EpisodeState.SKIPPED: (_WANT,),
    EpisodeState.HAD: (_WANT,),
}
"""Those that are downloaded, or about to be, take none."""


@dataclass(frozen=True)
class ItemView:
    """An item.

    Attributes:
        item: What the API says of it.
        counts: Its episodes.
    """

    item: ItemAnswer
    counts: EpisodeCounts

    @classmethod
    def of(cls, found: FoundItem) -> Self:
        """Describe an item.

        Args:
            found: The item with its counts.
        """
        return cls(ItemAnswer.of(found), EpisodeCounts.of(found.episodes))

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/watchlist/{self.item.id}"

    @property
    def poster_path(self) -> str:
        """The address of its poster, which changes with it."""
        return f"{self.path}/poster?{self.poster_version}"

    @property
    def poster_version(self) -> str:
        """What a poster's address ends with, so that browsers fetch a new one."""
        source = self.item.poster_url or self.item.title
        return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def is_checked(self) -> bool:
        """Whether it is looked for by itself."""
        return self.item.status is ItemState.ACTIVE

    @property
    def is_in_trouble(self) -> bool:
        """Whether its last check failed."""
        return self.item.last_outcome in _BAD

    @property
    def total(self) -> int:
        """How many episodes it will have, as far as anybody knows."""
        return max(self.item.expected_episodes or 0, self.counts.wanted)


@dataclass(frozen=True)
class EpisodeView:
    """An episode.

    Attributes:
        episode: What the API says of it.
        item_id: Its item.
    """

    episode: EpisodeAnswer
    item_id: int

    @property
    def path(self) -> str:
        """The address of its page."""
        return f"/watchlist/{self.item_id}/episodes/{self.episode.id}"

    @property
    def name(self) -> str:
        """What it is called within its series."""
        episode = self.episode
        number = Decimal(episode.number) if episode.number is not None else None
        return episode_text(episode.season, number, episode.kind, episode.title)

    @property
    def wishes(self) -> Sequence[tuple[str, str]]:
        """What can be wanted of it: the action's name in its address, and its button."""
        return _WISHES.get(self.episode.state, ())


STATE_TEXTS: Mapping[EpisodeState, tuple[str, str]] = {
    EpisodeState.EXPECTED: ("Expected", "quiet"),
    EpisodeState.FOUND: ("Found", "warn"),
    EpisodeState.WANTED: ("Wanted", "busy"),
    EpisodeState.WAITING: ("Waiting", "busy"),
    EpisodeState.QUEUED: ("Queued", "busy"),
    EpisodeState.DOWNLOADING: ("Downloading", "busy"),
    EpisodeState.DOWNLOADED: ("Downloaded", "good"),
    EpisodeState.FAILED: ("Failed", "bad"),
    EpisodeState.SKIPPED: ("Skipped", "quiet"),
    EpisodeState.HAD: ("Had", "good"),
}
"""What the pages call an episode's state, and its tone."""

STATUS_TEXTS: Mapping[ItemState, tuple[str, str]] = {
    ItemState.ACTIVE: ("Active", "good"),
    ItemState.PAUSED: ("Paused", "warn"),
    ItemState.COMPLETED: ("Completed", "busy"),
    ItemState.ARCHIVED: ("Archived", "quiet"),
}
"""What the pages call an item's status, and its tone."""

OUTCOME_TEXTS: Mapping[CheckOutcome, tuple[str, str]] = {
    CheckOutcome.OK: ("OK", "good"),
    CheckOutcome.EMPTY: ("Empty list", "quiet"),
    CheckOutcome.NO_DATA: ("No list", "warn"),
    CheckOutcome.BROKEN: ("Broken", "bad"),
    CheckOutcome.BLOCKED: ("Blocked", "bad"),
    CheckOutcome.INTERRUPTED: ("Interrupted", "warn"),
}
"""What the pages call the outcome of a check, and its tone."""

TEXTS = {"states": STATE_TEXTS, "statuses": STATUS_TEXTS, "outcomes": OUTCOME_TEXTS}
