"""The configuration of the Bangumi domain: accounts, media servers, matching, reports."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.times import Cron, TimeZone


class RatingPolicy(StrEnum):
    """Which of Trakt's ratings become a subject's: a season's, a show's, the first there is."""

    OFF = "off"
    SEASON = "season"
    SHOW = "show"
    SEASON_OR_SHOW = "season_or_show"


class UnplayedRatingPolicy(StrEnum):
    """What becomes of the rating of a show, season or film without any play at Trakt.

    Nothing; given where Bangumi has an entry; or given, with 看过 where there is no entry.
    """

    OFF = "off"
    EXISTING = "existing"
    COLLECTED = "collected"


class CollectionPolicy(StrEnum):
    """What becomes of Trakt's collection: nothing, or 想看 (want to watch)."""

    OFF = "off"
    WISH = "wish"


class HandPolicy(StrEnum):
    """What becomes of 搁置 (on hold) and 抛弃 (dropped) that the user has set by hand."""

    RESPECT = "respect"
    RESUME = "resume"


def _https(url: str) -> str:
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.username or parts.scheme not in ("https", "http"):
        message = "must be an https address without a user name, such as https://api.bgm.tv"
        raise ValueError(message)
    if parts.scheme == "http" and not loopback:
        message = "must be https; http is for addresses of this machine"
        raise ValueError(message)
    return url.rstrip("/")


class CustomSource(StrEnum):
    """Who says what was watched, besides Trakt: media servers, and programs of one's own."""

    PLEX = "plex"
    EMBY = "emby"
    JELLYFIN = "jellyfin"
    TAUTULLI = "tautulli"
    CUSTOM = "custom"


class BangumiAccountSettings(Section):
    """One Bangumi account; its name is that of the Trakt account whose history it takes."""

    access_token: SecretStr | None = Field(
        default=None,
        description="A personal access token, from next.bgm.tv/demo/access-token. Used as long as "
        "the account is not connected with scripts/connect bangumi NAME.",
    )
    paused: bool = Field(default=False, description="Whether nothing is asked or sent for it.")


class MatchingSettings(Section):
    """How what was watched is matched to Bangumi."""

    minimum_confidence: float = Field(
        default=0.9,
        ge=0.5,
        le=1,
        description="A match below it waits for review and is never marked by itself.",
    )
    overrides: AnchoredPath | None = Field(
        default=None,
        description="The TOML file of your own rules. Default: matching.toml in the home.",
    )
    blocked_words: tuple[str, ...] = Field(
        default=(), description="Shows and films with one of these in their title are left alone."
    )
    minimum_match_rate: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="The check match_rate warns where a smaller share of the anime is matched.",
    )


class ReportingSettings(Section):
    """What is reported to Bangumi."""

    complete_subjects: bool = Field(
        default=True, description="Whether a subject becomes 看过 when all main episodes are seen."
    )
    private: bool = Field(
        default=False, description="Whether new entries of the collection are visible to you alone."
    )
    unwatch: bool = Field(
        default=False,
        description="Whether a play that is removed at Trakt takes its mark at Bangumi away.",
    )
    ratings: RatingPolicy = Field(
        default=RatingPolicy.SEASON_OR_SHOW, description="off, season, show or season_or_show."
    )
    unplayed_ratings: UnplayedRatingPolicy = Field(
        default=UnplayedRatingPolicy.EXISTING,
        description="off, existing or collected: ratings of what was never played at Trakt; with "
        "collected, what is not in your collection becomes 看过.",
    )
    overwrite_ratings: bool = Field(
        default=False, description="Whether ratings that were given at Bangumi are replaced."
    )
    collection: CollectionPolicy = Field(
        default=CollectionPolicy.OFF, description="off, or wish: Trakt's collection becomes 想看."
    )
    watching_on_start: bool = Field(
        default=True,
        description="Whether a subject becomes 在看 when a media server begins to play it.",
    )
    on_hold: HandPolicy = Field(
        default=HandPolicy.RESPECT, description="respect or resume subjects that are 搁置."
    )
    dropped: HandPolicy = Field(
        default=HandPolicy.RESPECT,
        description="respect or resume subjects and episodes that are 抛弃.",
    )


class CustomSettings(Section):
    """Whose plays on media servers are reported, and which."""

    users: Mapping[str, str] = Field(
        default={},
        description="Users of the media servers, NAME or SOURCE:NAME, each with the account that "
        "gets what they watch. Others are ignored.",
    )
    sources: tuple[CustomSource, ...] = Field(
        default=tuple(CustomSource), description="Whose events count: all but those left out."
    )
    libraries: Mapping[CustomSource, tuple[str, ...]] = Field(
        default={},
        description="The libraries of a source that count, by name or by the folder that their "
        "files are in. Default: all of them.",
    )

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that get what somebody watches on a media server."""
        return frozenset(self.users.values())

    def account_of(self, source: CustomSource, user: str) -> str | None:
        """Return the account that gets what a user watches; None for users that are not known.

        Args:
            source: Where the user is one; a name that is given for it goes before others.
            user: The user's name; its case makes no difference.
        """
        known = {name.casefold(): account for name, account in self.users.items()}
        name = user.casefold()
        return known.get(f"{source}:{name}", known.get(name))


class BangumiSettings(Section):
    """Bangumi."""

    dry_run: bool = Field(
        default=True, description="Whether everything stops at the plan and nothing is sent."
    )
    base_url: Annotated[str, AfterValidator(_https)] = Field(
        default="https://api.bgm.tv", description="The address of the API."
    )
    oauth_url: Annotated[str, AfterValidator(_https)] = Field(
        default="https://bgm.tv", description="The address where accounts are connected."
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        description="Of the app made at bgm.tv/dev/app; not needed with personal tokens.",
    )
    client_secret: SecretStr | None = Field(default=None, description="Of the same app.")
    redirect_uri: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8080/oauth/bangumi/callback"),
        description="The app's redirect address: this server's /oauth/bangumi/callback.",
    )
    schedule: Cron = Field(default="15 */6 * * *", description="Cron expression of the reports.")
    timezone: TimeZone = Field(default="UTC", description="IANA name of its time zone.")
    timeout_seconds: float = Field(
        default=30, gt=0, le=300, description="How long the API may be silent."
    )
    requests_per_10_minutes: int = Field(
        default=2_800,
        ge=10,
        le=2_900,
        description="The most requests of an account; Bangumi bans for an hour beyond 3,000.",
    )
    accounts: Mapping[str, BangumiAccountSettings] = Field(
        default={}, description="The accounts, by the names of the Trakt accounts."
    )
    matching: MatchingSettings = MatchingSettings()
    reporting: ReportingSettings = ReportingSettings()
    custom: CustomSettings = CustomSettings()

    @property
    def active_accounts(self) -> list[str]:
        """The accounts that are not paused, sorted."""
        return sorted(name for name, account in self.accounts.items() if not account.paused)

    @model_validator(mode="after")
    def _app_is_whole(self) -> Self:
        if (self.client_id is None) != (self.client_secret is None):
            message = "client_id and client_secret belong together: set both, or none"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _users_have_an_account(self) -> Self:
        for user, account in self.custom.users.items():
            if account not in self.accounts:
                message = f"custom.users.{user}: there is no table accounts.{account}"
                raise ValueError(message)
        return self
