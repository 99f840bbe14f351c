"""One account: its configuration, and where its files are."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sync_assets.pixiv.models import Visibility
from sync_assets.settings import Settings
from sync_assets.settings.pixiv import PixivAccountSettings, PixivSettings


@dataclass(frozen=True)
class Account:
    """An account and everything that its rounds need to know.

    Attributes:
        name: Its name in the configuration, which is its Dagster partition.
        settings: Its own configuration.
        pixiv: The domain's configuration.
        gallery_dl: The program.
        download_directory: Where its files are.
        archive_path: gallery-dl's archive.
        state_directory: What gallery-dl and this domain need between rounds.
        deadline: When the round must end, on the monotonic clock.
        environment: Variables for gallery-dl besides the process's own.
    """

    name: str
    settings: PixivAccountSettings
    pixiv: PixivSettings
    gallery_dl: Path
    download_directory: Path
    archive_path: Path
    state_directory: Path
    deadline: float = float("inf")
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def cache_path(self) -> Path:
        """gallery-dl's cache of access tokens: its key ignores the account, so one file each."""
        return self.state_directory / "cache.sqlite3"

    @property
    def runs_directory(self) -> Path:
        """Where each run of gallery-dl has a directory for as long as it is not dealt with."""
        return self.state_directory / "runs"

    @property
    def parts_directory(self) -> Path:
        """Where downloads are while they are not whole."""
        return self.download_directory / ".parts"

    @property
    def lists(self) -> tuple[Visibility, ...]:
        """The lists that are kept."""
        wanted = {
            Visibility.PUBLIC: self.settings.include_public,
            Visibility.PRIVATE: self.settings.include_private,
        }
        return tuple(visibility for visibility, is_wanted in wanted.items() if is_wanted)

    def seconds_left(self) -> float:
        """Return how long the round may still take."""
        return self.deadline - time.monotonic()


def open_account(
    settings: Settings, name: str, *, gallery_dl: Path | None = None, seconds: float | None = None
) -> Account:
    """Put together what a round of an account needs.

    Args:
        settings: The whole configuration.
        name: The account's name.
        gallery_dl: The program; without it, the account is only looked at.
        seconds: How long the round may take; without it, `pixiv.max_run_seconds`.
    """
    own = settings.pixiv.accounts[name]
    state = settings.home / "pixiv" / name
    return Account(
        name=name,
        settings=own,
        pixiv=settings.pixiv,
        gallery_dl=gallery_dl or Path(),
        download_directory=own.download_directory or settings.pixiv.download_directory / name,
        archive_path=own.archive_path or state / "archive.sqlite3",
        state_directory=state,
        deadline=time.monotonic()
        + (settings.pixiv.max_run_seconds if seconds is None else seconds),
    )


def lease_name(account: str) -> str:
    """Return the name of the lease that the rounds of an account hold."""
    return f"pixiv:{account}"
