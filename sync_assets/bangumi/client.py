"""Bangumi's API, as far as it is used: what it says becomes models, what we want becomes requests.

From its OpenAPI description (`open-api/v0.yaml` of bangumi/api); where the server is known to do
otherwise, it says so here.
"""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import quote

from sync_assets.bangumi.errors import BangumiUnavailableError
from sync_assets.bangumi.http import BangumiTransport
from sync_assets.bangumi.matching.models import SearchHit
from sync_assets.bangumi.models import (
    Collected,
    CollectionType,
    Episode,
    EpisodeState,
    SubjectInformation,
)

COLLECTIONS_PER_PAGE = 50
_EPISODES_PER_PAGE = 1_000
_PUBLIC_EPISODES_PER_PAGE = 200
_HITS = 20
_ANIME = 2
_FILM_PLATFORM = "剧场版"
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_MALFORMED = "Update sync_assets; if there is no newer version, report the subject."


class BangumiClient:
    """The API for one account.

    Args:
        transport: Sends the requests.
    """

    def __init__(self, transport: BangumiTransport) -> None:
        self._transport = transport
        self._username: str | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self._transport.requests

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def username(self) -> str:
        """Return the name of the account's user; asked once."""
        if self._username is None:
            self._username = str(_field(self._transport.read("GET", "/v0/me"), "username"))
        return self._username

    def search(self, keyword: str, *, begin: date | None, end: date | None) -> list[SearchHit]:
        """Search for anime; one request.

        Args:
            keyword: A title.
            begin: Subjects that began earlier are not meant.
            end: Subjects that began on this day or later are not meant.

        Returns:
            The subjects, the best first.
        """
        days = [f">={begin}"] if begin else []
        days += [f"<{end}"] if end else []
        wanted: dict[str, Any] = {"type": [_ANIME], **({"air_date": days} if days else {})}
        answer = self._transport.read(
            "POST",
            "/v0/search/subjects",
            query={"limit": _HITS, "offset": 0},
            body={"keyword": keyword, "sort": "match", "filter": wanted},
        )
        return [_hit(each) for each in _field(answer, "data")]

    def subject(self, number: int) -> SubjectInformation | None:
        """Return what a subject is; None where there is none, or it is hidden; one request.

        Args:
            number: The subject.
        """
        answer = self._transport.read("GET", f"/v0/subjects/{number}")
        if answer is None:
            return None
        hit = _hit(answer)
        is_anime = _field(answer, "type") == _ANIME
        return SubjectInformation(
            number, hit.name, hit.name_cn, hit.begin, hit.episodes, is_anime=is_anime
        )

    def collections(self) -> dict[int, Collected]:
        """Return all anime of the user's collection, by subject."""
        path = f"/v0/users/{quote(self.username(), safe='')}/collections"
        query = {"subject_type": _ANIME}
        return {
            _field(each, "subject_id"): _collected(each)
            for each in self._pages(path, query, COLLECTIONS_PER_PAGE) or ()
        }

    def collection(self, subject: int) -> Collected | None:
        """Return what a subject is in the user's collection; None where it is not there."""
        path = f"/v0/users/{quote(self.username(), safe='')}/collections/{subject}"
        answer = self._transport.read("GET", path)
        return None if answer is None else _collected(answer)

    def episodes(self, subject: int) -> dict[int, Episode]:
        """Return the episodes of a subject with what they are to the user, by id.

        One request, unless the server knows no states of a subject that is not collected: then
        its episodes are asked for without them.
        """
        path = f"/v0/users/-/collections/{subject}/episodes"
        found = self._pages(path, {}, _EPISODES_PER_PAGE)
        if found is not None:
            episodes = [_episode(_field(each, "episode"), _field(each, "type")) for each in found]
        else:
            query = {"subject_id": subject}
            public = self._pages("/v0/episodes", query, _PUBLIC_EPISODES_PER_PAGE)
            episodes = [_episode(each, EpisodeState.NONE) for each in public or ()]
        return {each.episode_id: each for each in episodes}

    def set_collection(
        self,
        subject: int,
        collection_type: CollectionType,
        *,
        rate: int | None = None,
        private: bool | None = None,
    ) -> None:
        """Put a subject into the collection, or change it there.

        Args:
            subject: The subject.
            collection_type: What it becomes.
            rate: The rating, 0 for none; None leaves it.
            private: Whether the user alone sees it; None leaves it.
        """
        body: dict[str, Any] = {"type": int(collection_type)}
        if rate is not None:
            body["rate"] = rate
        if private is not None:
            body["private"] = private
        # Answers 202, where the description says 204.
        self._transport.write("POST", f"/v0/users/-/collections/{subject}", body)

    def set_episodes(self, subject: int, episode_ids: Collection[int], state: EpisodeState) -> None:
        """Mark episodes of a subject: all of them, or none where one is refused.

        Args:
            subject: The subject; it must be in the collection.
            episode_ids: The episodes.
            state: What they become.
        """
        body = {"episode_id": sorted(episode_ids), "type": int(state)}
        self._transport.write("PATCH", f"/v0/users/-/collections/{subject}/episodes", body)

    def set_episode(self, episode_id: int, state: EpisodeState) -> None:
        """Mark one episode.

        Args:
            episode_id: The episode; its subject must be in the collection.
            state: What it becomes.
        """
        path = f"/v0/users/-/collections/-/episodes/{episode_id}"
        self._transport.write("PUT", path, {"type": int(state)})

    def _pages(
        self, path: str, query: Mapping[str, int], size: int
    ) -> list[Mapping[str, Any]] | None:
        """Read all pages of a list; None where there is no such list."""
        items: list[Mapping[str, Any]] = []
        while True:
            page = {**query, "limit": size, "offset": len(items)}
            answer = self._transport.read("GET", path, query=page)
            if answer is None:
                return None
            found = _field(answer, "data")
            items += found
            if not found or len(items) >= _field(answer, "total"):
                return items


def _field(answer: Any, name: str) -> Any:
    if not isinstance(answer, Mapping) or name not in answer:
        message = f"Bangumi's answer has no field {name!r}."
        raise BangumiUnavailableError(message, remedy=_MALFORMED)
    return answer[name]


def _collected(item: Mapping[str, Any]) -> Collected:
    subject = item.get("subject") or {}
    return Collected(
        CollectionType(_field(item, "type")), _field(item, "rate"), subject.get("eps") or None
    )


def _episode(item: Mapping[str, Any], state: int) -> Episode:
    return Episode(
        _field(item, "id"),
        _field(item, "type"),
        _field(item, "sort"),
        item.get("ep") or None,
        _day(item.get("airdate")),
        EpisodeState(state),
    )


def _hit(item: Mapping[str, Any]) -> SearchHit:
    return SearchHit(
        _field(item, "id"),
        _field(item, "name"),
        item.get("name_cn") or "",
        _day(item.get("date")),
        item.get("eps") or item.get("total_episodes") or None,
        item.get("platform") == _FILM_PLATFORM,
    )


def _day(text: Any) -> date | None:
    """Read a day; volunteers write them, so some are no days."""
    found = _DATE.match(text) if isinstance(text, str) else None
    if found is not None:
        with suppress(ValueError):
            year, month, day = map(int, found.groups())
            return date(year, month, day)
    return None
