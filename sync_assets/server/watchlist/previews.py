"""What the API says of an address that somebody looks at."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from sync_assets.ledger.types import decimal_text
from sync_assets.watchlist.previewing import Preview
from sync_assets.watchlist.providers import EpisodeReference, ListStatus
from sync_assets.watchlist.texts import storable
from sync_assets.watchlist.titles import EpisodeKind

_LONGEST = 500
_MOST_WORKS = 50


class PreviewedEpisode(BaseModel):
    """An episode as the provider lists it."""

    season: int | None
    number: str | None
    last_number: str | None = Field(description="Of a batch, its last number.")
    kind: EpisodeKind
    title: str
    published_at: datetime | None
    releases: int = Field(description="How many releases there are of it.")
    resolutions: Sequence[int]
    groups: Sequence[str]
    languages: Sequence[str]
    needs_review: bool

    @classmethod
    def of(cls, episode: EpisodeReference) -> Self:
        """Describe an episode.

        Args:
            episode: What the provider lists.
        """
        variants = episode.variants
        first, last = (
            decimal_text(number) if number is not None else None
            for number in (episode.number, episode.last_number)
        )
        return cls(
            season=episode.season,
            number=first,
            last_number=last,
            kind=episode.kind,
            title=storable(episode.title, longest=_LONGEST),
            published_at=episode.published_at,
            releases=len(variants),
            resolutions=sorted({each.resolution for each in variants if each.resolution}),
            groups=sorted({storable(each.group, longest=100) for each in variants if each.group}),
            languages=sorted({each.language for each in variants if each.language}),
            needs_review=episode.needs_review,
        )


class PreviewAnswer(BaseModel):
    """What is behind an address."""

    provider: str
    is_certain: bool = Field(description="Whether the address or its page leaves no doubt.")
    candidates: Sequence[str] = Field(description="All providers that fit, the best first.")
    status: ListStatus = Field(description="What became of looking for episodes.")
    message: str = Field(description="What went wrong, for people.")
    title: str | None = Field(description="Null where there are several works, or none is named.")
    works: Sequence[str] = Field(description="Titles in the list, that of most releases first.")
    poster_url: str | None
    synopsis: str
    genres: Sequence[str]
    total_episodes: int
    episodes: Sequence[PreviewedEpisode] = Field(description="The newest of them.")

    @classmethod
    def of(cls, seen: Preview) -> Self:
        """Describe what was seen.

        Args:
            seen: The preview.
        """
        title = seen.title
        return cls(
            provider=seen.provider,
            is_certain=seen.detection.is_certain,
            candidates=seen.detection.candidates,
            status=seen.result.status,
            message=storable(seen.result.message, longest=_LONGEST),
            title=storable(title, longest=_LONGEST) if title else None,
            works=[storable(each, longest=_LONGEST) for each in seen.works[:_MOST_WORKS]],
            poster_url=seen.details.poster_url,
            synopsis=seen.details.synopsis,
            genres=seen.details.genres,
            total_episodes=len(seen.result.episodes),
            episodes=[PreviewedEpisode.of(each) for each in seen.episodes],
        )
