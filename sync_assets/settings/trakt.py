"""The configuration of the Trakt domain: the app, and the accounts that are read."""

import re
from typing import Annotated, Self

from pydantic import Field, HttpUrl, SecretStr, StringConstraints, model_validator

from sync_assets.settings.section import Section
from sync_assets.settings.times import Cron, TimeZone

ACCOUNT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class TraktAccountSettings(Section):
    """One Trakt account. Its tokens are not here: scripts/connect trakt NAME stores them."""

    paused: bool = Field(
        default=False, description="Leave the account alone; what is known of it stays."
    )


class TraktSettings(Section):
    """The app that was registered with Trakt, and the accounts that are read through it."""

    client_id: str | None = Field(
        default=None, min_length=1, description="Of the app made at app.trakt.tv/settings/apps."
    )
    client_secret: SecretStr | None = Field(default=None, description="Of the same app.")
    redirect_uri: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:8080/oauth/trakt/callback"),
        description="One of the app's redirect addresses: this server's /oauth/trakt/callback.",
    )
    base_url: HttpUrl = Field(
        default=HttpUrl("https://api.trakt.tv"), description="The API's address."
    )
    oauth_url: HttpUrl = Field(
        default=HttpUrl("https://auth.trakt.tv"), description="The OAuth host's address."
    )
    first_month: Annotated[str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")] = (
        Field(default="2010-01", description="Partition of the oldest plays, and of older ones.")
    )
    look_every_seconds: int = Field(
        default=300, ge=30, description="How often Trakt is asked whether anything is new."
    )
    schedule: Cron | None = Field(
        default=None, description="Cron expression of further runs, whether anything is new or not."
    )
    timezone: TimeZone = Field(default="UTC", description="IANA name of the schedule's time zone.")
    full_reading_days: int = Field(
        default=7,
        ge=1,
        description="A change leads to a reading of the whole history where the last is so old.",
    )
    timeout_seconds: float = Field(default=30, gt=0, description="How long Trakt may be silent.")
    retries: int = Field(
        default=5, ge=0, le=10, description="How often a request that went wrong is repeated."
    )
    accounts: dict[str, TraktAccountSettings] = Field(
        default_factory=dict, description="One table per account; the name is yours to choose."
    )

    @property
    def active_accounts(self) -> list[str]:
        """The accounts that are not paused, sorted."""
        return sorted(name for name, account in self.accounts.items() if not account.paused)

    @model_validator(mode="after")
    def _accounts_need_an_app(self) -> Self:
        for name in self.accounts:
            if not ACCOUNT_NAME.fullmatch(name):
                message = (
                    f"accounts.{name}: a name has lower-case letters, digits, '-' and '_', at "
                    "most 63"
                )
                raise ValueError(message)
        if self.accounts and (self.client_id is None or self.client_secret is None):
            message = "client_id and client_secret are needed: make an app with Trakt"
            raise ValueError(message)
        return self
