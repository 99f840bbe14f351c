"""What the API says of the watchlist's rows."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from sync_assets.ledger.types import AnyRow, decimal_text
from sync_assets.watchlist.models import CheckOutcome, EpisodeState, ItemState, Quality
from sync_assets.watchlist.store.searching import FoundItem
from sync_assets.watchlist.titles import EpisodeKind


class ItemAnswer(BaseModel):
    """What is watched."""

    id: int
    url: str
    provider: str
    title: str
    language: str | None
    auto_download: bool
    quality: Quality
    preferred_groups: Sequence[str]
    poster_url: str | None
    synopsis: str
    genres: Sequence[str]
    status: ItemState
    check_interval_hours: int | None
    numbering_offset: int
    folder_template: str | None
    expected_episodes: int | None
    ends_on: date | None
    catalog_key: str | None
    created_at: datetime
    changed_at: datetime
    last_checked_at: datetime | None
    next_check_at: datetime = Field(description="Of an active item; others are not checked then.")
    last_outcome: CheckOutcome | None = Field(description="What became of the last check.")
    last_error: str | None
    consecutive_errors: int
    episodes: Mapping[EpisodeState, int] = Field(description="How many are in each state.")

    @classmethod
    def of(cls, found: FoundItem) -> Self:
        """Describe an item.

        Args:
            found: The item with its counts.
        """
        values = {name: getattr(found.row, name, None) for name in cls.model_fields}
        values |= {"status": found.row.state, "episodes": found.episodes}
        return cls.model_validate(values)


class ItemPage(BaseModel):
    """A page of what a user watches."""

    items: Sequence[ItemAnswer]
    total: int = Field(description="How many fit, on all pages.")
    limit: int
    offset: int


class EpisodeAnswer(BaseModel):
    """An episode."""

    id: int
    season: int | None
    number: str | None = Field(description="Exactly, as text: 12, 12.5.")
    kind: EpisodeKind
    title: str
    state: EpisodeState
    reason: str | None = Field(description="Why it is in this state.")
    version: int
    resolution: int | None
    first_seen_at: datetime
    changed_at: datetime
    airs_at: datetime | None
    not_before: datetime | None = Field(description="When something happens with it at the latest.")
    downloaded_at: datetime | None
    watched_at: datetime | None
    attempts: int
    path: str | None

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """Describe an episode.

        Args:
            row: Its row.
        """
        values = {name: getattr(row, name) for name in cls.model_fields}
        values["number"] = None if row.number is None else decimal_text(row.number)
        return cls.model_validate(values)


class CheckAnswer(BaseModel):
    """A check of an item."""

    id: int
    run_id: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: CheckOutcome | None
    found: int
    new: int
    queued: int
    errors: int
    message: str | None

    @classmethod
    def of(cls, row: AnyRow) -> Self:
        """Describe a check.

        Args:
            row: Its row.
        """
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})
