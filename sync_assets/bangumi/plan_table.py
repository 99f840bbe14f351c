"""The plan for people: what would change at Bangumi, as a table in the lake, CSV and Markdown."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from sync_assets.bangumi.models import CollectionType, EpisodeState
from sync_assets.bangumi.report_models import Report, ReportKind
from sync_assets.bangumi.wanted import WantedSubject
from sync_assets.lake import Lake
from sync_assets.lake.layout import encode

ASSET = ("bangumi", "plan")
_ROWS_SHOWN = 50
_NEW = "未收藏"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One change.

    Attributes:
        subject: The Bangumi subject.
        title: What it is at Trakt.
        kind: A main episode, a special, or the entry in the collection.
        number: The episode's number within the subject.
        episode_id: Bangumi's id of the episode.
        before: What it is now.
        after: What it becomes.
        rating: The rating that it gets.
        confidence: How sure its place is.
        method: How the place was found.
        watched_at: The last play.
    """

    subject: int
    title: str
    kind: str
    number: int | None
    episode_id: int | None
    before: str
    after: str
    rating: int | None
    confidence: float | None
    method: str | None
    watched_at: datetime | None


def plan_rows(reports: Iterable[Report], wanted: Mapping[int, WantedSubject]) -> list[PlanRow]:
    """Describe planned reports.

    Args:
        reports: The reports.
        wanted: What is wanted, for how sure each is.
    """
    return [_row(each, wanted.get(each.key.subject)) for each in reports]


def write_plan(lake: Lake, directory: Path, account: str, rows: Sequence[PlanRow]) -> Path:
    """Replace the plan of an account.

    Args:
        lake: The lake, which gets the table.
        directory: Where the CSV goes.
        account: The account.
        rows: The plan.

    Returns:
        The CSV.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow as pa

    types = {
        "subject": pa.int64(),
        "number": pa.int64(),
        "episode_id": pa.int64(),
        "rating": pa.int64(),
        "confidence": pa.float64(),
        "watched_at": pa.timestamp("us", tz="UTC"),
    }
    names = [each.name for each in fields(PlanRow)]
    schema = pa.schema([(name, types.get(name, pa.string())) for name in names])
    contents = [asdict(row) for row in rows]
    lake.write(ASSET, pa.Table.from_pylist(contents, schema=schema), partition=account)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{encode(account)}.csv"
    temporary = path.with_suffix(".part")
    # Spreadsheets take UTF-8 for granted only with its mark.
    with temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(contents)
    temporary.replace(path)
    return path


def plan_summary(rows: Sequence[PlanRow]) -> str:
    """Return the plan as a Markdown table, the first rows where there are many."""
    lines = [
        f"| [{row.subject}](https://bgm.tv/subject/{row.subject}) | {_cell(row.title)} "
        f"| {row.kind} {row.number or ''} | {row.before} → {row.after} | {row.rating or ''} "
        f"| {row.confidence or ''} |"
        for row in rows[:_ROWS_SHOWN]
    ]
    head = [
        "| subject | title | what | change | rating | confidence |",
        "|---|---|---|---|---|---|",
    ]
    hidden = len(rows) - len(lines)
    more = [f"\n{hidden} more; the CSV has all of them."] if hidden else []
    return "\n".join([*head, *lines, *more])


def _row(report: Report, wanted: WantedSubject | None) -> PlanRow:
    mark = wanted.marks.get(report.key) if wanted else None
    is_entry = report.key.kind is ReportKind.COLLECTION
    return PlanRow(
        report.key.subject,
        report.title,
        report.key.kind,
        None if is_entry else report.key.number,
        report.episode_id,
        _label(report.previous_type, is_entry=is_entry),
        _label(report.target_type, is_entry=is_entry),
        report.target_rate,
        mark.confidence if mark else None,
        mark.method if mark else None,
        report.watched_at,
    )


def _label(value: int | None, *, is_entry: bool) -> str:
    if value is None:
        return _NEW
    return CollectionType(value).label if is_entry else EpisodeState(value).label


def _cell(text: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in text)
    return printable.replace("|", "\\|")
