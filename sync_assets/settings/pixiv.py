"""The configuration of the Pixiv domain: whose bookmarks, where the files go, and how politely."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.telegram import ChatId

ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Rating(StrEnum):
    """Pixiv's age rating of a work."""

    GENERAL = "General"
    R18 = "R-18"
    R18G = "R-18G"


class AnimationFormat(StrEnum):
    """The container that animations are converted to."""

    MP4 = "mp4"
    WEBM = "webm"


def _valid_interval(seconds: int) -> int:
    divides_hour = seconds % 60 == 0 and seconds < 3600 and 3600 % seconds == 0
    divides_day = seconds % 3600 == 0 and 86_400 % seconds == 0
    if not divides_hour and not divides_day:
        message = "must be whole minutes that divide an hour, or whole hours that divide a day"
        raise ValueError(message)
    return seconds


class PixivFilterSettings(Section):
    """Which bookmarks are downloaded. All are listed; these decide about files."""

    ratings: tuple[Rating, ...] = Field(
        default=tuple(Rating), description="Age ratings to download."
    )
    ai: bool = Field(default=True, description="Download works that were made with AI.")
    include_tags: frozenset[str] = Field(
        default=frozenset(), description="Only works with one of these tags; empty for all."
    )
    exclude_tags: frozenset[str] = Field(
        default=frozenset(), description="No works with one of these tags."
    )
    include_users: frozenset[int] = Field(
        default=frozenset(), description="Only works of these user ids; empty for all."
    )
    exclude_users: frozenset[int] = Field(
        default=frozenset(), description="No works of these user ids."
    )


class PixivAccountSettings(Section):
    """One Pixiv account whose bookmarks are kept."""

    user_id: int = Field(ge=1, description="The number in the address of the profile.")
    refresh_token: SecretStr = Field(
        min_length=1, description="The OAuth refresh token; docs/pixiv.md says how to get it."
    )
    include_public: bool = Field(default=True, description="Keep public bookmarks.")
    include_private: bool = Field(
        default=False, description="Keep private bookmarks; the token must be this user's own."
    )
    download_directory: AnchoredPath | None = Field(
        default=None,
        description="Where the files go. Without it: the account's name in "
        "pixiv.download_directory.",
    )
    archive_path: AnchoredPath | None = Field(
        default=None,
        description="gallery-dl's archive. Without it: pixiv/NAME/archive.sqlite3 in the home.",
    )
    chat_ids: tuple[ChatId, ...] | None = Field(
        default=None,
        description="Telegram chats that get this account's works. Without it: telegram.chat_ids; "
        "empty for none.",
    )

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not self.include_public and not self.include_private:
            message = "include_public or include_private must be true"
            raise ValueError(message)
        return self


class PixivSettings(Section):
    """All Pixiv accounts, and how they are synchronised."""

    accounts: dict[str, PixivAccountSettings] = Field(
        default_factory=dict, description="One table per account."
    )
    download_directory: AnchoredPath = Field(
        default=Path("downloads/pixiv"),
        description="Where the files go, one folder per account.",
    )
    filters: PixivFilterSettings = PixivFilterSettings()
    gallery_dl_path: AnchoredPath | None = Field(
        default=None,
        description="Another gallery-dl for this domain. Without it: tools.gallery_dl.",
    )
    extra_gallery_args: tuple[str, ...] = Field(
        default=(), description="Further arguments for gallery-dl; they win over everything."
    )
    proxy: SecretStr | None = Field(
        default=None, description="Proxy for Pixiv, such as socks5://127.0.0.1:1080."
    )
    poll_interval_seconds: Annotated[int, AfterValidator(_valid_interval)] = Field(
        default=600, ge=60, le=86_400, description="How often each account is looked at."
    )
    full_pass_hours: float = Field(
        default=168,
        gt=0,
        description="How often the whole list is read, which finds removed and dead works.",
    )
    bookmark_tags: bool = Field(
        default=False,
        description="Read the user's own tags of each bookmark; one more request per new work.",
    )
    sleep: float = Field(default=0, ge=0, description="Seconds between two files.")
    sleep_request: float = Field(
        default=1, ge=0, description="Seconds between two API requests. Less risks a ban."
    )
    sleep_429: float = Field(
        default=60, ge=0, description="Seconds to wait after the answer 429, times the attempt."
    )
    retries: int = Field(
        default=4, ge=0, description="How often one request, and a whole run, is repeated."
    )
    timeout_seconds: float = Field(
        default=3_600, gt=0, description="A single run of gallery-dl is ended after this time."
    )
    max_run_seconds: float = Field(
        default=7_200,
        gt=0,
        description="One round of an account ends after this; the next goes on.",
    )
    backoff_initial_seconds: float = Field(
        default=30, ge=0, description="The pause before the first repetition of a run."
    )
    backoff_multiplier: float = Field(
        default=2, ge=1, description="How much longer each further pause is."
    )
    backoff_max_seconds: float = Field(default=900, ge=0, description="The longest pause.")
    disk_free_threshold_bytes: int = Field(
        default=1_073_741_824,
        ge=0,
        description="With less free space a round downloads nothing and warns.",
    )
    maximum_attempts: int = Field(
        default=8,
        ge=1,
        description="A work that failed so often is tried again only by full passes.",
    )
    concurrency: int = Field(
        default=2, ge=1, le=64, description="Files that are verified or converted at a time."
    )
    animation_format: AnimationFormat = Field(
        default=AnimationFormat.MP4, description="mp4 or webm; the original zip is kept."
    )

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.accounts:
            if not ACCOUNT_NAME.fullmatch(name):
                message = f"the account name {name!r} must be lower-case letters, digits, - and _"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _accounts_share_no_path(self) -> Self:
        # gallery-dl locks neither its archive nor the part of a file.
        users: dict[Path, str] = {}
        for name, account in self.accounts.items():
            paths = (
                account.download_directory or self.download_directory / name,
                account.archive_path,
            )
            for path in filter(None, paths):
                other = users.setdefault(Path(os.path.normpath(path)), name)
                if other != name:
                    message = f"the accounts {other!r} and {name!r} must not share {path}"
                    raise ValueError(message)
        return self
