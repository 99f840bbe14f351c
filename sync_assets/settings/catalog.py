"""The configuration of the catalogue: which mapping sources it is compiled from."""

from collections.abc import Mapping
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.times import Cron, TimeZone

SOURCE_NAMES = (
    "bangumi_data",
    "bangumi_extlinker",
    "anime_lists",
    "anibridge",
    "rensetsu_shows",
    "rensetsu_movies",
    "shinkro",
    "anime_relations",
    "episode_counts",
)


def _https(url: str) -> str:
    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.username or parts.scheme not in ("https", "http"):
        message = "must be an https address without a user name, such as https://host/file.json"
        raise ValueError(message)
    if parts.scheme == "http" and not loopback:
        message = "must be https; http is for addresses of this machine"
        raise ValueError(message)
    return url


class CatalogSourceSettings(Section):
    """Where one mapping source is, if not at its usual address."""

    enabled: bool = Field(default=True, description="Whether it is used at all.")
    url: Annotated[str, AfterValidator(_https)] | None = Field(
        default=None, description="Its address. Default: where its authors publish it."
    )
    path: AnchoredPath | None = Field(
        default=None, description="A local file, which is read instead of any address."
    )
    maximum_bytes: int = Field(
        default=64 * 1024 * 1024, ge=1_024, description="A larger file is refused."
    )
    minimum_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A file with fewer than this share of the last good one's entries is refused.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url is not None and self.path is not None:
            message = "has both url and path; keep one"
            raise ValueError(message)
        return self


def _known_sources(
    sources: Mapping[str, CatalogSourceSettings],
) -> Mapping[str, CatalogSourceSettings]:
    unknown = sorted(sources.keys() - set(SOURCE_NAMES))
    if unknown:
        message = f"{', '.join(unknown)}: known are {', '.join(SOURCE_NAMES)}"
        raise ValueError(message)
    return sources


class CatalogSettings(Section):
    """The catalogue of anime, compiled from public mapping sources. Off unless it is enabled."""

    enabled: bool = Field(
        default=False, description="Whether the sources are fetched, each week by default."
    )
    schedule: Cron = Field(default="30 5 * * 4", description="Cron expression of the refresh.")
    timezone: TimeZone = Field(default="UTC", description="IANA name of its time zone.")
    timeout_seconds: float = Field(
        default=60, gt=0, le=600, description="How long a source may be silent."
    )
    sources: Annotated[Mapping[str, CatalogSourceSettings], AfterValidator(_known_sources)] = Field(
        default={}, description="What differs from the usual, by source."
    )
