"""What a user may say of an item and of all items: the fields, their ranges, and why they exist."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from sync_assets.settings.watchlist_templates import valid_folder_template
from sync_assets.watchlist.models import (
    INTERVAL_HOURS,
    ItemState,
    Quality,
)
from sync_assets.watchlist.texts import is_storable

LONGEST_URL = 2_000
LONGEST_TITLE = 500
LONGEST_SYNOPSIS = 20_000
LONGEST_WORD = 100
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")


def _storable(text: str) -> str:
    if not is_storable(text):
        message = "must not hold NUL or half of a surrogate pair"
        raise ValueError(message)
    return text.strip()


def _filled(text: str) -> str:
    if not text:
        message = "must not be empty"
        raise ValueError(message)
    return text


def _web_address(text: str) -> str:
    message = "must be a whole http or https address, without spaces"
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or _NOT_IN_URL.search(text):
        raise ValueError(message)
    return text


def _between(least: int, greatest: int) -> AfterValidator:
    """Refuse other numbers, naming the whole range: pydantic's own bounds name one end."""

    def within(number: int) -> int:
        if not least <= number <= greatest:
            message = f"must be a whole number from {least} to {greatest}"
            raise ValueError(message)
        return number

    return AfterValidator(within)


def _range(least: int, greatest: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": greatest})


Text = Annotated[str, AfterValidator(_storable)]
Url = Annotated[str, Field(max_length=LONGEST_URL), AfterValidator(_web_address)]
Title = Annotated[Text, Field(max_length=LONGEST_TITLE), AfterValidator(_filled)]
Synopsis = Annotated[Text, Field(max_length=LONGEST_SYNOPSIS)]
Word = Annotated[Text, Field(max_length=LONGEST_WORD), AfterValidator(_filled)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,35}$")]
ProviderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
WholeNumber = Annotated[int, Field(strict=True)]
IntervalHours = Annotated[WholeNumber, _between(*INTERVAL_HOURS), _range(*INTERVAL_HOURS)]
NumberingOffset = Annotated[WholeNumber, _between(-10_000, 10_000), _range(-10_000, 10_000)]
EpisodeCount = Annotated[WholeNumber, _between(1, 100_000), _range(1, 100_000)]
UserDownloads = Annotated[WholeNumber, _between(1, 64), _range(1, 64)]
Groups = Annotated[Sequence[Word], Field(max_length=20)]
FolderTemplate = Annotated[Title, Field(max_length=500), AfterValidator(valid_folder_template)]
Genres = Annotated[Sequence[Word], Field(max_length=50)]


class Form(BaseModel):
    """What a user sends; unknown fields are refused, as they would be forgotten."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ItemForm(Form):
    """Something to watch."""

    url: Url = Field(description="The address of the series, or of a feed.")
    title: Title | None = Field(
        default=None,
        description="Where a list holds several works, only this one counts. Without it: as the "
        "page says.",
    )
    provider: ProviderId | None = Field(
        default=None, description="Its provider. Without it: found out by the address or the page."
    )
    language: Language | None = Field(
        default=None, description="The wanted language as providers name it, such as vostfr."
    )
    auto_download: bool = Field(default=True, description="Download new episodes.")
    quality: Quality = Field(default=Quality.AUTO, description="The best, or this or just below.")
    preferred_groups: Groups = Field(default=(), description="Release groups, the best first.")
    poster_url: Url | None = None
    synopsis: Synopsis = ""
    genres: Genres = ()
    status: ItemState = ItemState.ACTIVE
    check_interval_hours: IntervalHours | None = Field(
        default=None, description="Its own interval. Without it: that of the settings."
    )
    numbering_offset: NumberingOffset = Field(
        default=0, description="Added to the provider's numbers; specials, 0 and 12.5 never shift."
    )
    folder_template: FolderTemplate | None = Field(
        default=None, description="Where its files go. Without it: the configured template."
    )
    expected_episodes: EpisodeCount | None = Field(
        default=None, description="How many regular episodes it will have."
    )
    ends_on: date | None = Field(default=None, description="The day of its last episode.")
    catalog_key: Annotated[Word, Field(max_length=200)] | None = None


class ItemChanges(Form):
    """What to change of an item; what is left out stays as it is."""

    url: Url = Field(default="", validate_default=False)
    title: Title = Field(default="", validate_default=False)
    provider: ProviderId = Field(default="", validate_default=False)
    language: Language | None = None
    auto_download: bool = True
    quality: Quality = Quality.AUTO
    preferred_groups: Groups = ()
    poster_url: Url | None = None
    synopsis: Synopsis = ""
    genres: Genres = ()
    status: ItemState = ItemState.ACTIVE
    check_interval_hours: IntervalHours | None = None
    numbering_offset: NumberingOffset = 0
    folder_template: FolderTemplate | None = None
    expected_episodes: EpisodeCount | None = None
    ends_on: date | None = None
    catalog_key: Annotated[Word, Field(max_length=200)] | None = None

    def changes(self) -> dict[str, Any]:
        """Return what was sent, by name."""
        return self.model_dump(include=self.model_fields_set)


class SettingsForm(Form):
    """What to change of a user's settings; what is left out stays as it is."""

    check_interval_hours: IntervalHours = 6
    auto_download_enabled: bool = True
    max_concurrent_auto_downloads: UserDownloads = 2
    notify_on_new_episodes: bool = True
    include_completed_anime: bool = False
