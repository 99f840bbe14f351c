"""The configuration of the notifications: where they go, and what they are about."""

from enum import StrEnum

from pydantic import Field, SecretStr

from sync_assets.settings.section import Section


class NotificationKind(StrEnum):
    """What a notification is about.

    `failures`: work that failed, and that it works again. `accounts`: accounts that only the user
    can connect again. `review`: matches that wait for the user. `new_episodes`: of the watchlist.
    """

    FAILURES = "failures"
    ACCOUNTS = "accounts"
    REVIEW = "review"
    NEW_EPISODES = "new_episodes"

    @property
    def is_trouble(self) -> bool:
        """Whether it holds until it is over, rather than having happened."""
        return self in (NotificationKind.FAILURES, NotificationKind.ACCOUNTS)


class NotificationSettings(Section):
    """Where notifications go, and what they are about."""

    urls: tuple[SecretStr, ...] = Field(
        default=(),
        max_length=10,
        description="Addresses as Apprise writes them, such as tgram://TOKEN/CHAT, ntfy://TOPIC, "
        "mailto://…; none for no notifications.",
    )
    kinds: frozenset[NotificationKind] = Field(
        default=frozenset(NotificationKind),
        description="failures, accounts, review, new_episodes.",
    )
    minimum_interval_seconds: int = Field(
        default=60,
        ge=10,
        le=86_400,
        description="Between two messages; what happens meanwhile goes into one.",
    )

    @property
    def is_on(self) -> bool:
        """Whether there is anywhere to send to."""
        return bool(self.urls)
