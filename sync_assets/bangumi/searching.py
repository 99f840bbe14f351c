"""Bangumi's search for the matching, with a memory: a show is looked for once in a while."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from sync_assets.bangumi.errors import BangumiUnavailableError
from sync_assets.bangumi.matching.models import BangumiSearch, SearchHit
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import bangumi_searches
from sync_assets.ledger.types import utc_now

REMEMBERED = timedelta(days=30)
_FAILURES = 2
"""After so many searches without an answer the others are left for the next run: the search is
experimental, and fails as a whole."""


class RememberedSearch:
    """Asks the search only what it was not asked lately.

    Args:
        search: The search.
        ledger: The ledger, which remembers the answers.
    """

    def __init__(self, search: BangumiSearch, ledger: Ledger) -> None:
        self._search = search
        self._ledger = ledger
        self._failures = 0

    def search(self, keyword: str, *, begin: date | None, end: date | None) -> Sequence[SearchHit]:
        """Search for subjects; see `BangumiSearch`."""
        identity = {"keyword": keyword, "begin": str(begin or ""), "end": str(end or "")}
        known = self._known(identity)
        if known is not None:
            return known
        if self._failures >= _FAILURES:
            raise BangumiUnavailableError(
                "Bangumi's search did not answer the last searches.",
                remedy="Nothing to do: the next run asks again.",
            )
        try:
            hits = self._search.search(keyword, begin=begin, end=end)
        except SyncError:
            self._failures += 1
            raise
        self._remember(identity, hits)
        return hits

    def _known(self, identity: dict[str, str]) -> Sequence[SearchHit] | None:
        table = bangumi_searches.c
        query = select(table.hits).where(
            *(table[name] == value for name, value in identity.items()),
            table.asked_at > utc_now() - REMEMBERED,
        )
        with self._ledger.read() as connection:
            hits = connection.execute(query).scalar()
        return None if hits is None else [_hit(each) for each in hits]

    def _remember(self, identity: dict[str, str], hits: Sequence[SearchHit]) -> None:
        values = {"hits": [_as_json(each) for each in hits], "asked_at": utc_now()}
        with self._ledger.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            connection.execute(
                dialect.insert(bangumi_searches)
                .values(**identity, **values)
                .on_conflict_do_update(index_elements=list(identity), set_=values)
            )


def _as_json(hit: SearchHit) -> list[Any]:
    begin = hit.begin.isoformat() if hit.begin else None
    return [hit.subject, hit.name, hit.name_cn, begin, hit.episodes, hit.is_movie]


def _hit(values: Sequence[Any]) -> SearchHit:
    subject, name, name_cn, begin, episodes, is_movie = values
    day = date.fromisoformat(begin) if begin else None
    return SearchHit(subject, name, name_cn, day, episodes, is_movie)
