"""Compare matches with labelled cases: how many are right, how many wrong, and which."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sync_assets.bangumi.matching.matcher import match_history
from sync_assets.bangumi.matching.models import (
    Match,
    MatchingRules,
    MatchStatus,
    MediaType,
    WatchedItem,
)
from sync_assets.bangumi.matching.overrides import Overrides
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.catalog.sources.reading import day_in_japan
from sync_assets.errors import SyncError

_PER = 10_000


class LabelsError(SyncError):
    """A file holds no labelled cases."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a set of cases was matched.

    Attributes:
        cases: How many there are.
        positives: How many of them have a place.
        answered: How many of those were matched.
        right: How many of those rightly.
        false_marks: Cases without a place that were matched.
        precision: Right ones of all that were matched.
        recall: Right ones of all that have a place.
        wrong_per_10000: Wrong matches per 10,000 matches.
    """

    cases: int
    positives: int
    answered: int
    right: int
    false_marks: int
    precision: float
    recall: float
    wrong_per_10000: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole comparison.

    Attributes:
        overall: All cases together.
        categories: The same by category.
        wrong: Each case that was matched wrongly or not at all.
    """

    overall: Figures
    categories: dict[str, Figures]
    wrong: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            **asdict(self.overall),
            "categories": {name: asdict(each) for name, each in self.categories.items()},
            "wrong": self.wrong,
        }


def read_labels(path: Path) -> list[dict[str, Any]]:
    """Read labelled cases.

    Args:
        path: A JSON file with a list of cases: `trakt` as Trakt describes what was watched,
            `expect` with `match`, `bangumi_subject_id` and `ep`, and `category`.

    Raises:
        LabelsError: It is no such file.
    """
    remedy = "Name a JSON file with a list of cases, each with 'trakt' and 'expect'."
    try:
        cases = json.loads(path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise LabelsError(message, remedy=remedy) from error
    except ValueError as error:
        message = f"{path} is not JSON: {error}."
        raise LabelsError(message, remedy=remedy) from error
    if not isinstance(cases, list) or not all(
        isinstance(case, Mapping) and {"trakt", "expect"} <= case.keys() for case in cases
    ):
        message = f"{path} holds no labelled cases."
        raise LabelsError(message, remedy=remedy)
    return cases


def item_of(key: str, watched: Mapping[str, Any]) -> WatchedItem:
    """Return what Trakt describes in the form that the matcher takes.

    Args:
        key: What to know it by.
        watched: An entry of Trakt's history: `type`, and `movie` or `show` and `episode`.
    """
    is_movie = watched["type"] == "movie"
    work = watched["movie" if is_movie else "show"]
    episode = watched.get("episode") or {}
    kind = WorkKind.MOVIE if is_movie else WorkKind.SHOW
    released = (work.get("released") if is_movie else episode.get("first_aired")) or ""
    return WatchedItem(
        key=key,
        media_type=MediaType.MOVIE if is_movie else MediaType.EPISODE,
        title=work["title"],
        works=tuple(
            Work(provider, kind, str(work["ids"][provider]))
            for provider in Provider
            if work["ids"].get(provider)
        ),
        original_title=work.get("original_title"),
        year=work.get("year"),
        season=episode.get("season"),
        number=episode.get("number"),
        absolute_number=episode.get("number_abs"),
        release_date=day_in_japan(released),
        genres=frozenset(work.get("genres") or ()),
        source="trakt",
    )


def evaluate(
    cases: Sequence[Mapping[str, Any]], index: CatalogIndex, rules: MatchingRules
) -> Evaluation:
    """Match all cases and compare.

    Args:
        cases: Labelled cases.
        index: The catalogue.
        rules: How to decide.

    Returns:
        The comparison.

    Raises:
        LabelsError: A case is not whole.
    """
    items = [_item_of_case(number, case) for number, case in enumerate(cases)]
    results = list(zip(cases, match_history(items, index, Overrides(), None, rules), strict=True))
    by_category = defaultdict(list)
    for case, match in results:
        by_category[case.get("category", "all")].append((case, match))
    return Evaluation(
        _figures(results),
        {name: _figures(each) for name, each in sorted(by_category.items())},
        [_described(case, match) for case, match in results if not _is_right(case, match)],
    )


def _item_of_case(number: int, case: Mapping[str, Any]) -> WatchedItem:
    try:
        return item_of(str(number), case["trakt"])
    except (KeyError, TypeError, AttributeError) as error:
        message = f"Case {case.get('id', number)} is not whole: {type(error).__name__} {error}."
        remedy = "Give it what Trakt gives: 'type', and 'movie' or 'show' and 'episode'."
        raise LabelsError(message, remedy=remedy) from error


def _is_right(case: Mapping[str, Any], match: Match) -> bool:
    expected = case["expect"]
    is_matched = match.status is MatchStatus.MATCHED
    if not expected["match"]:
        return not is_matched
    # Without an episode the case is about the subject alone.
    episode = expected.get("ep")
    return (
        is_matched
        and match.subject == expected["bangumi_subject_id"]
        and episode in (None, match.episode)
    )


def _figures(results: Sequence[tuple[Mapping[str, Any], Match]]) -> Figures:
    positives = [each for each in results if each[0]["expect"]["match"]]
    matched = [each for each in results if each[1].status is MatchStatus.MATCHED]
    answered = sum(match.status is MatchStatus.MATCHED for _, match in positives)
    right = sum(_is_right(*each) for each in positives)
    wrong = len(matched) - right
    return Figures(
        cases=len(results),
        positives=len(positives),
        answered=answered,
        right=right,
        false_marks=len(matched) - answered,
        precision=round(right / len(matched), 5) if matched else 1.0,
        recall=round(right / len(positives), 5) if positives else 1.0,
        wrong_per_10000=round(_PER * wrong / len(matched), 2) if matched else 0.0,
    )


def _described(case: Mapping[str, Any], match: Match) -> dict[str, Any]:
    watched, expected = case["trakt"], case["expect"]
    work = watched.get("show") or watched.get("movie") or {}
    return {
        "id": case.get("id"),
        "category": case.get("category"),
        "title": work.get("title"),
        **(watched.get("episode") or {}),
        "expected": [expected.get("bangumi_subject_id"), expected.get("ep")],
        "found": [match.subject, match.episode],
        "status": match.status.value,
        "confidence": match.confidence,
        "evidence": list(match.evidence),
    }
