"""The table of `bangumi/matches`: every answer of the matching, with its reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sync_assets.bangumi.matching.models import EpisodeType, Match, MatchStatus, MediaType
from sync_assets.bangumi.trakt_tables import Watched
from sync_assets.lake import Lake

if TYPE_CHECKING:
    import pyarrow as pa

ASSET = ("bangumi", "matches")


@dataclass(frozen=True, slots=True)
class StoredMatch:
    """An episode or a film, and the place that the matching found for it.

    Attributes:
        key: What identifies the item.
        work: Its show or film.
        title: What it is, for people.
        media_type: Episode or film.
        season: Its season at Trakt or on the media server.
        number: Its number there.
        absolute_number: Its number from the beginning of the show.
        release_date: The day on which it was first seen.
        status: What becomes of it.
        subject: The Bangumi subject.
        subject_episodes: How many main episodes the catalogue counts in the subject, if it knows.
        episode: The episode's number within the subject.
        episode_type: Main episode or special.
        method: How it was found.
        confidence: From 0 to 1.
        evidence: Why, for people.
        candidates: Subjects that may be meant.
        plays: How many plays Trakt has, or media servers have told of.
        removed_plays: How many were removed at Trakt.
        watched_at: The last one.
        is_collected_only: It is in Trakt's collection, and was never watched.
        is_rated_only: It stands for what has a rating at Trakt, and was never watched.
        started_at: When a media server last began to play it.
    """

    key: str
    work: str
    title: str
    media_type: str
    season: int | None
    number: int | None
    absolute_number: int | None
    release_date: date | None
    status: str
    subject: int | None
    subject_episodes: int | None
    episode: int | None
    episode_type: str
    method: str | None
    confidence: float
    evidence: tuple[str, ...]
    candidates: tuple[int, ...]
    plays: int
    removed_plays: int
    watched_at: datetime | None
    is_collected_only: bool
    is_rated_only: bool = False
    started_at: datetime | None = None

    @property
    def is_film(self) -> bool:
        """Whether it is a film."""
        return self.media_type == MediaType.MOVIE

    @property
    def was_watched(self) -> bool:
        """Whether it was watched, even if the play was removed since."""
        return self.plays + self.removed_plays > 0

    @property
    def is_special(self) -> bool:
        """Whether the place is a special within the subject."""
        return self.episode_type == EpisodeType.SPECIAL

    def may_be_reported(self, minimum_confidence: float) -> bool:
        """Say whether the place is sure enough to be reported.

        Args:
            minimum_confidence: The configured one.
        """
        return (
            self.status == MatchStatus.MATCHED
            and self.subject is not None
            and self.episode is not None
            and self.confidence >= minimum_confidence
        )


def stored_match(watched: Watched, match: Match, episode_counts: Mapping[int, int]) -> StoredMatch:
    """Put an item and its answer together.

    Args:
        watched: The item.
        match: The answer.
        episode_counts: How many main episodes subjects have, as far as the catalogue knows.
    """
    item = watched.item
    return StoredMatch(
        key=item.key,
        work=watched.work,
        title=watched.title,
        media_type=str(item.media_type),
        season=item.season,
        number=item.number,
        absolute_number=item.absolute_number,
        release_date=item.release_date,
        status=str(match.status),
        subject=match.subject,
        subject_episodes=episode_counts.get(match.subject or 0),
        episode=match.episode,
        episode_type=str(match.episode_type),
        method=str(match.method) if match.method else None,
        confidence=match.confidence,
        evidence=match.evidence,
        candidates=match.candidates,
        plays=watched.plays,
        removed_plays=watched.removed_plays,
        watched_at=watched.watched_at,
        is_collected_only=watched.is_collected_only,
        is_rated_only=watched.is_rated_only,
        started_at=watched.started_at,
    )


def write_matches(lake: Lake, account: str, matches: Iterable[StoredMatch]) -> None:
    """Replace the stored matches of an account.

    Args:
        lake: The lake.
        account: The account.
        matches: The matches.
    """
    import pyarrow as pa

    rows = [{name: getattr(each, name) for name in StoredMatch.__slots__} for each in matches]
    lake.write(ASSET, pa.Table.from_pylist(rows, schema=_schema()), partition=account)


def read_matches(lake: Lake, account: str) -> list[StoredMatch]:
    """Return the stored matches of an account.

    Args:
        lake: The lake.
        account: The account.

    Raises:
        AbsentError: There are none yet.
    """
    return [_row(row) for row in lake.table(ASSET, partition=account).to_pylist()]


def _row(row: Mapping[str, Any]) -> StoredMatch:
    values: dict[str, Any] = dict(row)
    for name in ("evidence", "candidates"):
        values[name] = tuple(values[name] or ())
    return StoredMatch(**values)


def _schema() -> "pa.Schema":
    import pyarrow as pa

    types = {
        "media_type": pa.string(),
        "season": pa.int64(),
        "number": pa.int64(),
        "absolute_number": pa.int64(),
        "release_date": pa.date32(),
        "subject": pa.int64(),
        "subject_episodes": pa.int64(),
        "episode": pa.int64(),
        "confidence": pa.float64(),
        "evidence": pa.list_(pa.string()),
        "candidates": pa.list_(pa.int64()),
        "plays": pa.int64(),
        "removed_plays": pa.int64(),
        "watched_at": pa.timestamp("us", tz="UTC"),
        "is_collected_only": pa.bool_(),
        "is_rated_only": pa.bool_(),
        "started_at": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([(name, types.get(name, pa.string())) for name in StoredMatch.__slots__])
