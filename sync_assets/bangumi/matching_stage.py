"""Match: find the place of everything that an account has watched, and store every answer."""

from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.custom.items import mark_matched, read_items
from sync_assets.bangumi.custom.watched import as_watched
from sync_assets.bangumi.match_table import (
    ASSET,
    StoredMatch,
    read_matches,
    stored_match,
    write_matches,
)
from sync_assets.bangumi.matching import (
    MatchingRules,
    MatchStatus,
    match_history,
    read_overrides,
)
from sync_assets.bangumi.searching import RememberedSearch
from sync_assets.bangumi.trakt_tables import Watched, read_collected, read_rated, read_watched
from sync_assets.catalog.index import CatalogIndex
from sync_assets.lake import AbsentError
from sync_assets.settings.bangumi import CollectionPolicy, UnplayedRatingPolicy

_REVIEWS_SHOWN = 50


def match(run: AccountRun, index_path: Path, overrides_path: Path) -> StageResult:
    """Match what an account has watched, by its history at Trakt and by media servers.

    Args:
        run: The account.
        index_path: The catalogue.
        overrides_path: The user's own rules.

    Returns:
        Counts, and what waits for review as a table.

    Raises:
        SyncError: There is no history, no catalogue, or a rule is wrong.
    """
    with run.ledger.read() as connection:
        items = read_items(connection, run.account)
    watched = [*_from_trakt(run), *as_watched(items)]
    rules = MatchingRules(
        minimum_confidence=run.settings.matching.minimum_confidence,
        blocked_words=run.settings.matching.blocked_words,
    )
    search = RememberedSearch(run.client, run.ledger)
    with closing(CatalogIndex(index_path)) as index:
        overrides = read_overrides(overrides_path)
        answers = match_history([e.item for e in watched], index, overrides, search, rules)
        subjects = index.subjects({e.subject for e in answers if e.subject is not None})
    counts = {
        number: subject.episodes
        for number, subject in subjects.items()
        if subject.episodes is not None and not subject.episodes_are_estimated
    }
    pairs = zip(watched, answers, strict=True)
    matches = [stored_match(each, answer, counts) for each, answer in pairs]
    before = _waiting(run)
    write_matches(run.lake, run.account, matches)
    with run.ledger.write() as connection:
        mark_matched(connection, items, run.run_id)
    return _result(run, matches, before)


def _from_trakt(run: AccountRun) -> list[Watched]:
    """Return what Trakt has: watched, and without a play rated, or collected."""
    policy = run.settings.reporting
    found = {each.item.key: each for each in _history(run)}
    if policy.unplayed_ratings is not UnplayedRatingPolicy.OFF:
        for rated in read_rated(run.lake, run.account, list(found.values())):
            found.setdefault(rated.item.key, rated)
    if policy.collection is CollectionPolicy.WISH:
        for collected in read_collected(run.lake, run.account):
            known = found.setdefault(collected.item.key, collected)
            if known.is_rated_only:
                found[known.item.key] = replace(known, is_collected_only=True)
    return list(found.values())


def _history(run: AccountRun) -> list[Watched]:
    try:
        return read_watched(run.lake, run.account)
    except AbsentError:
        # Who is known to a media server needs no account of Trakt.
        if run.account in run.settings.custom.accounts:
            return []
        raise


def match_rate(matches: list[StoredMatch]) -> float:
    """Return the share of the anime that has a place; 1 where there is none.

    Args:
        matches: The matches.
    """
    counts = Counter(each.status for each in matches)
    anime = sum(counts[each] for each in _ANIME)
    return counts[MatchStatus.MATCHED] / anime if anime else 1.0


_ANIME = (MatchStatus.MATCHED, MatchStatus.REVIEW, MatchStatus.POSTPONED)


def _waiting(run: AccountRun) -> set[str]:
    if not run.lake.exists(ASSET, partition=run.account):
        return set()
    stored = read_matches(run.lake, run.account)
    return {each.key for each in stored if each.status == MatchStatus.REVIEW}


def _result(run: AccountRun, matches: list[StoredMatch], before: set[str]) -> StageResult:
    statuses = Counter(each.status for each in matches)
    methods = Counter(each.method for each in matches if each.status == MatchStatus.MATCHED)
    review = [each for each in matches if each.status == MatchStatus.REVIEW]
    new = [each.title for each in review if each.key not in before]
    return StageResult(
        {
            "items": len(matches),
            **{f"status_{status}": statuses[status] for status in MatchStatus},
            **{f"method_{method}": count for method, count in sorted(methods.items()) if method},
            "review_new": len(new),
            "match_rate": round(match_rate(matches), 4),
            "requests": run.client.requests,
        },
        notes={"review": _review_table(review)},
        new_reviews=new,
    )


def _review_table(review: list[StoredMatch]) -> str:
    lines = [
        f"| {each.title.replace('|', ' ')} | "
        f"{', '.join(str(subject) for subject in each.candidates)} | "
        f"{'; '.join(each.evidence).replace('|', ' ')} |"
        for each in review[:_REVIEWS_SHOWN]
    ]
    hidden = len(review) - len(lines)
    more = [f"\n{hidden} more; bangumi.matches in the lake has all of them."] if hidden else []
    return "\n".join(["| item | candidates | why |", "|---|---|---|", *lines, *more])
