"""`scripts/evaluate`: measure a part of the project on labelled cases. One subcommand per part."""

import argparse
import json
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from sync_assets.commands.entry import run_command

if TYPE_CHECKING:
    from sync_assets.bangumi.matching.evaluation import Evaluation, Figures
    from sync_assets.watchlist.titles.evaluation import Evaluation as TitlesEvaluation

NEIGHBOURING_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "mapping"
"""Where a checkout has test data beside it; used only where nothing else is named."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and print the figures.

    Args:
        arguments: Those of the command line, unless given.

    Returns:
        The exit code: 0, whatever the figures are.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/evaluate",
        description="Measures how well something is recognised, on labelled cases.",
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    matching = parts.add_parser(
        "matching",
        help="what was watched, matched to Bangumi",
        description="Matches labelled cases by what the catalogue and the rules know, without the "
        "network and without your own rules. A case that waits for review counts as not answered.",
    )
    matching.add_argument("file", type=Path, help="a JSON file of labelled cases")
    matching.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    matching.add_argument(
        "--sources",
        type=Path,
        metavar="DIR",
        help="compile the mapping sources of this folder, instead of using the index in the home",
    )
    titles = parts.add_parser(
        "titles",
        help="release names, read into title, season, number and quality",
        description="Reads labelled release names and compares, field by field.",
    )
    titles.add_argument("file", type=Path, help="a CSV file of labelled release names")
    titles.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    given = parser.parse_args(arguments)
    return _PARTS[given.part](given)


def _evaluate_matching(given: argparse.Namespace) -> int:
    from sync_assets.bangumi.matching.evaluation import evaluate, read_labels
    from sync_assets.bangumi.matching.models import MatchingRules
    from sync_assets.catalog.index import CatalogIndex
    from sync_assets.settings import load_settings

    settings = load_settings()
    cases = read_labels(given.file)
    rules = MatchingRules(minimum_confidence=settings.bangumi.matching.minimum_confidence)
    with (
        _index_path(given.sources, settings.catalog_directory, given.file) as path,
        closing(CatalogIndex(path)) as index,
    ):
        evaluation = evaluate(cases, index, rules)
    if given.json:
        print(json.dumps(evaluation.as_json(), ensure_ascii=False))
    else:
        _print_evaluation(evaluation)
    return 0


@contextmanager
def _index_path(sources: Path | None, catalog: Path, labels: Path) -> Generator[Path]:
    """Give the index in the home, or one compiled for this call."""
    from sync_assets.catalog.local import compile_folder, has_sources
    from sync_assets.catalog.refreshing import INDEX_NAME

    index = catalog / INDEX_NAME
    if sources is None and not index.exists():
        nearby = (labels.absolute().parent, NEIGHBOURING_DATA)
        sources = next((folder for folder in nearby if has_sources(folder)), None)
    if sources is None:
        yield index
        return
    with tempfile.TemporaryDirectory(prefix="sync-evaluate-") as directory:
        compiled = Path(directory) / INDEX_NAME
        compile_folder(sources, compiled)
        yield compiled


def _print_evaluation(evaluation: "Evaluation") -> None:
    console = Console(highlight=False, markup=False)
    table = Table(title="Matching", title_justify="left")
    for name in ("category", "cases", "right", "wrong", "left", "precision", "recall"):
        table.add_column(name, justify="left" if name == "category" else "right", no_wrap=True)
    rows = {**evaluation.categories, "all": evaluation.overall}
    for name, figures in rows.items():
        table.add_row(name, *_cells(figures), style="bold" if name == "all" else "")
    console.print(table)
    overall = evaluation.overall
    console.print(
        f"{overall.wrong_per_10000:g} wrong marks per 10,000; {overall.false_marks} marks on what "
        'has no place. "left" are cases with a place that were left for review.'
    )
    if not evaluation.wrong:
        return
    table = Table(title="Not right", title_justify="left")
    for name in ("case", "title", "expected", "found", "confidence", "why"):
        table.add_column(name, overflow="fold")
    for case in evaluation.wrong:
        table.add_row(
            str(case["id"]),
            str(case["title"]),
            _place(case["expected"]),
            f"{_place(case['found'])} {case['status']}",
            str(case["confidence"]),
            "; ".join(case["evidence"]),
        )
    console.print(table)


def _cells(figures: "Figures") -> list[str]:
    wrong = figures.answered - figures.right + figures.false_marks
    left = figures.positives - figures.answered
    counts = (figures.cases, figures.right, wrong, left)
    return [*map(str, counts), f"{figures.precision:.2%}", f"{figures.recall:.2%}"]


def _place(place: Sequence[int | None]) -> str:
    return "none" if place[0] is None else f"{place[0]} episode {place[1]}"


def _evaluate_titles(given: argparse.Namespace) -> int:
    from sync_assets.watchlist.titles.evaluation import evaluate, read_rows

    evaluation = evaluate(read_rows(given.file))
    if given.json:
        print(json.dumps(evaluation.as_json(), ensure_ascii=False))
    else:
        _print_titles(evaluation)
    return 0


def _print_titles(evaluation: "TitlesEvaluation") -> None:
    console = Console(highlight=False, markup=False)
    table = Table(title="Release names", title_justify="left")
    sources = {"all": evaluation.fields, **evaluation.sources}
    for name in ("field", *sources):
        table.add_column(name, justify="left" if name == "field" else "right", no_wrap=True)
    for field in evaluation.fields:
        shares = [shares.get(field) for shares in sources.values()]
        shown = [f"{each.right}/{each.total} {each.share:.1%}" if each else "" for each in shares]
        table.add_row(field, *shown)
    console.print(table)
    console.print(
        f"{evaluation.names} names, {evaluation.ms_per_title:g} ms each, {evaluation.exceptions} "
        f"exceptions; {evaluation.needs_review} would wait for review."
    )
    if not evaluation.wrong:
        return
    table = Table(title="Not right", title_justify="left")
    for name in ("id", "field", "name", "expected", "found"):
        table.add_column(name, overflow="fold")
    for each in evaluation.wrong:
        table.add_row(each["id"], each["field"], each["input"], each["expected"], each["found"])
    console.print(table)


_PARTS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "matching": _evaluate_matching,
    "titles": _evaluate_titles,
}


if __name__ == "__main__":
    run_command(main)
