"""Compare readings with labelled release names: how many fields are right, and which are not."""

import csv
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.watchlist.titles import EpisodeNumbers, ReleaseName, comparable, parse_release_name
from sync_assets.watchlist.titles.qualities import tier_of

_REMEDY = "Name a CSV file with at least the columns id, corpus, kind and input."
_ANIME_KINDS = ("absolute", "cn_", "anime")
_WITHOUT_EPISODE = frozenset(
    {"season_pack", "special_no_number", "reject", "movie", "negative", "title-only"}
)

Row = Mapping[str, str]


class TitlesError(SyncError):
    """A file holds no labelled release names."""


@dataclass(frozen=True, slots=True)
class Share:
    """How often a field was right.

    Attributes:
        right: How often.
        total: Of how many names that say it.
        share: The one divided by the other; 1 where there are none.
    """

    right: int
    total: int
    share: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole comparison.

    Attributes:
        names: How many names were read.
        fields: How often each field was right.
        sources: The same by the corpus that a name is from.
        needs_review: How many names the two readers understand differently.
        exceptions: How many names could not be read at all.
        ms_per_title: Milliseconds for one name, on average.
        wrong: Each field that was wrong.
    """

    names: int
    fields: dict[str, Share]
    sources: dict[str, dict[str, Share]]
    needs_review: int
    exceptions: int
    ms_per_title: float
    wrong: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return asdict(self)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read labelled release names.

    Args:
        path: A CSV file; an empty cell means that the label says nothing about that field.

    Raises:
        TitlesError: It is no such file.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [
                {key: value or "" for key, value in row.items() if key}
                for row in csv.DictReader(stream)
            ]
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise TitlesError(message, remedy=_REMEDY) from error
    except (csv.Error, UnicodeDecodeError) as error:
        message = f"{path} is not CSV: {error}."
        raise TitlesError(message, remedy=_REMEDY) from error
    if not rows or not {"id", "corpus", "kind", "input"} <= rows[0].keys():
        message = f"{path} holds no labelled release names."
        raise TitlesError(message, remedy=_REMEDY)
    return rows


def evaluate(
    rows: Sequence[Row], parse: Callable[[str], ReleaseName] = parse_release_name
) -> Evaluation:
    """Read all names and compare.

    Args:
        rows: Labelled names.
        parse: The reader.

    Returns:
        The comparison.
    """
    results: dict[tuple[str, str], list[bool]] = defaultdict(list)
    wrong: list[dict[str, Any]] = []
    exceptions = needs_review = 0
    seconds = 0.0
    for row in rows:
        begun = time.perf_counter()
        try:
            read = parse(row["input"])
        except Exception as error:  # noqa: BLE001 - to count them is what this is for
            exceptions += 1
            read = ReleaseName(row["input"])
            wrong.append(_described(row, "exception", "", repr(error)))
        seconds += time.perf_counter() - begun
        needs_review += read.needs_review
        for field, expected, found, is_right in _compared(row, read):
            results[row["corpus"], field].append(is_right)
            if not is_right and field != "episode_anime":
                wrong.append(_described(row, field, expected, found))
    return Evaluation(
        names=len(rows),
        fields=_shares((field, each) for (_, field), each in results.items()),
        sources={
            corpus: _shares((field, each) for (of, field), each in results.items() if of == corpus)
            for corpus in sorted({row["corpus"] for row in rows})
        },
        needs_review=needs_review,
        exceptions=exceptions,
        ms_per_title=round(1000 * seconds / max(1, len(rows)), 4),
        wrong=wrong,
    )


def _compared(row: Row, read: ReleaseName) -> Iterable[tuple[str, str, str, bool]]:
    expected, found, is_right = _episode(row, read)
    if expected:
        yield "episode", expected, found, is_right
        if row["corpus"] == "sonarr" and row["kind"].startswith(_ANIME_KINDS):
            yield "episode_anime", expected, found, is_right
    elif row["kind"] in _WITHOUT_EPISODE:
        yield "no_episode", "", str(read.episodes or ""), read.episodes is None
    if row.get("season"):
        yield "season", row["season"], str(read.season), read.season == int(row["season"])
    if lines := row.get("resolution"):
        # Sonarr's labels name a step of quality, those of the others the lines themselves.
        of = tier_of if row["corpus"] == "sonarr" else int
        is_same = read.resolution is not None and of(read.resolution) == of(int(lines))
        yield "resolution", lines, str(read.resolution), is_same
    if row.get("group"):
        group = "" if row["group"] == "<none>" else row["group"]
        yield (
            "group",
            group,
            read.group or "",
            comparable(group) == comparable(read.group or "") and bool(group) == bool(read.group),
        )
    if row.get("title"):
        yield "title", row["title"], read.title or "", _is_same_title(row["title"], read)
    if row.get("version"):
        yield "version", row["version"], str(read.version), int(row["version"]) == read.version
    if row.get("checksum"):
        yield (
            "checksum",
            row["checksum"],
            read.checksum or "",
            row["checksum"].upper() == read.checksum,
        )


def _episode(row: Row, read: ReleaseName) -> tuple[str, str, bool]:
    seasonal = _label(row.get("episode"), row.get("episode_last"))
    absolute = _label(
        row.get("special_decimal") or row.get("absolute"), row.get("absolute_last") or _end(row)
    )
    expected = f"S{row['season']}E{seasonal}" if seasonal else str(absolute or "")
    found = str(read.episodes or "")
    if seasonal:
        found = f"S{read.season}E{found}"
        if str(seasonal) != str(read.episodes or "") or row["season"] != str(read.season):
            return expected, found, False
        if absolute is None:
            return expected, found, True
        expected, found = f"{expected} ({absolute})", f"{found} ({read.absolute or ''})"
        return expected, found, str(absolute) == str(read.absolute or read.episodes or "")
    return expected, found, expected in (found, str(read.absolute or ""))


def _end(row: Row) -> str | None:
    """Return the last number where only the column of other expectations has it."""
    if row["corpus"] != "auto_bangumi" or not row.get("expect"):
        return None
    try:
        last = json.loads(row["expect"]).get("episode_end")
    except ValueError:
        return None
    return None if last is None else str(last)


def _label(first: str | None, last: str | None) -> EpisodeNumbers | None:
    if not first:
        return None
    suffix = first[-1].upper() if first[-1].isalpha() else ""
    try:
        begin = Decimal(first.rstrip("abcABC"))
        return EpisodeNumbers(begin, Decimal(last) if last else begin, suffix)
    except InvalidOperation:
        return None


def _is_same_title(expected: str, read: ReleaseName) -> bool:
    # Some labels keep the season in the title.
    title = comparable(read.title or "")
    allowed = {
        title,
        f"{title}s{read.season}",
        f"{title}s{read.season or 0:02}",
        f"{title}season{read.season}",
    }
    if read.year:
        allowed |= {f"{title}{read.year}"}
    return comparable(expected) in allowed


def _shares(results: Iterable[tuple[str, Sequence[bool]]]) -> dict[str, Share]:
    merged: dict[str, list[bool]] = defaultdict(list)
    for field, each in results:
        merged[field] += each
    return {
        field: Share(sum(each), len(each), round(sum(each) / len(each), 4))
        for field, each in sorted(merged.items())
    }


def _described(row: Row, field: str, expected: str, found: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "corpus": row["corpus"],
        "kind": row["kind"],
        "input": row["input"],
        "field": field,
        "expected": expected,
        "found": found,
    }
