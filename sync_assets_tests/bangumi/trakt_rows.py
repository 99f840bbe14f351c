"""Rows of `trakt/history`, as that asset stores them."""

from datetime import UTC, datetime

import pyarrow as pa

from sync_assets.lake import Lake

HISTORY = pa.schema(
    [
        ("history_id", pa.int64()),
        ("watched_at", pa.timestamp("us", tz="UTC")),
        ("action", pa.string()),
        ("media_type", pa.string()),
        ("trakt", pa.int64()),
        ("tmdb", pa.int64()),
        ("tvdb", pa.int64()),
        ("imdb", pa.string()),
        ("slug", pa.string()),
        ("title", pa.string()),
        ("original_title", pa.string()),
        ("year", pa.int64()),
        ("genres", pa.list_(pa.string())),
        ("season", pa.int64()),
        ("number", pa.int64()),
        ("number_abs", pa.int64()),
        ("episode_trakt", pa.int64()),
        ("episode_tmdb", pa.int64()),
        ("episode_tvdb", pa.int64()),
        ("episode_title", pa.string()),
        ("first_aired", pa.timestamp("us", tz="UTC")),
        ("aired_episodes", pa.int64()),
        ("first_seen_at", pa.timestamp("us", tz="UTC")),
        ("removed_at", pa.timestamp("us", tz="UTC")),
    ]
)
COLLECTION = pa.schema(
    [
        ("media_type", pa.string()),
        ("trakt", pa.int64()),
        ("tmdb", pa.int64()),
        ("tvdb", pa.int64()),
        ("imdb", pa.string()),
        ("slug", pa.string()),
        ("title", pa.string()),
        ("season", pa.int64()),
        ("number", pa.int64()),
        ("collected_at", pa.timestamp("us", tz="UTC")),
    ]
)
RATINGS = pa.schema(
    [
        ("media_type", pa.string()),
        ("trakt", pa.int64()),
        ("tmdb", pa.int64()),
        ("tvdb", pa.int64()),
        ("imdb", pa.string()),
        ("slug", pa.string()),
        ("title", pa.string()),
        ("season", pa.int64()),
        ("number", pa.int64()),
        ("rating", pa.int64()),
        ("rated_at", pa.timestamp("us", tz="UTC")),
        ("removed_at", pa.timestamp("us", tz="UTC")),
    ]
)


def play(history_id, number, *, season=1, **fields):
    """A play of an episode of the show with TMDB's id 100."""
    return {
        "history_id": history_id,
        "watched_at": datetime(2026, 4, 2, 20, tzinfo=UTC),
        "action": "watch",
        "media_type": "episode",
        "trakt": 10,
        "tmdb": 100,
        "title": "Star Kettle",
        "original_title": "星の茶壺",
        "year": 2026,
        "genres": ["Anime"],
        "season": season,
        "number": number,
        "first_seen_at": datetime(2026, 4, 3, tzinfo=UTC),
        **fields,
    }


def write_history(directory, account, *plays):
    """Store plays, each in the partition of its month."""
    months = {}
    for each in plays:
        months.setdefault(f"{each['watched_at']:%Y-%m}", []).append(each)
    for month, rows in months.items():
        table = pa.Table.from_pylist(rows, schema=HISTORY)
        Lake(directory).write(("trakt", "history"), table, partition=f"{account}|{month}")


def write_collection(directory, account, *rows):
    table = pa.Table.from_pylist(list(rows), schema=COLLECTION)
    Lake(directory).write(("trakt", "collection"), table, partition=account)


def write_ratings(directory, account, *rows):
    table = pa.Table.from_pylist(list(rows), schema=RATINGS)
    Lake(directory).write(("trakt", "ratings"), table, partition=account)
