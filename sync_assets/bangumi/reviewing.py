"""Answer what waits for review: an answer becomes a rule of the user's file, and an event.

The next matching obeys the rule, whether anything is new at Trakt or not: it matches everything.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sync_assets.bangumi.connecting import connect
from sync_assets.bangumi.matching import OverrideRule, read_overrides
from sync_assets.bangumi.matching.override_writing import add_rule
from sync_assets.bangumi.review_queue import (
    Candidate,
    Question,
    ReviewQueue,
    candidate,
    question_of,
    read_queue,
)
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider
from sync_assets.catalog.refreshing import INDEX_NAME
from sync_assets.errors import SyncError
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.events import Event, append_events
from sync_assets.settings import Settings

if TYPE_CHECKING:
    from sync_assets.bangumi.client import BangumiClient

EVENT = "bangumi_review"

_LOCK_NAME = ".matching.lock"
_REFERENCE = re.compile(
    r"(?:(?:https?://)?(?:www\.)?(?:bgm\.tv|bangumi\.tv|chii\.in)/subject/)?(\d{1,9})(?:[/?#].*)?"
)
_PROVIDERS = (Provider.TMDB, Provider.TVDB, Provider.TRAKT, Provider.IMDB)
"""The ids that a rule names a show by, the one first that most programs know."""


class ReviewError(SyncError):
    """An answer that makes no sense, or comes too late."""


class AnswerKind(StrEnum):
    """What was answered: the suggestion, another place, or to leave the items alone."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question.

    Attributes:
        kind: What was answered.
        rule: The rule that it becomes.
    """

    kind: AnswerKind
    rule: OverrideRule


def accept(question: Question) -> Answer:
    """Answer that the suggestion is right.

    Args:
        question: The question.

    Raises:
        ReviewError: There is no suggestion.
    """
    suggestion = question.suggestion
    if suggestion is None:
        raise ReviewError(
            f"Nothing is suggested for {question.item.title}, {question.place}.",
            remedy="Say which subject it is: correct it.",
        )
    return place(question, suggestion.subject, suggestion.episode, is_special=suggestion.is_special)


def place(
    question: Question, subject: int, episode: int | None = None, *, is_special: bool = False
) -> Answer:
    """Answer which subject is meant.

    Args:
        question: The question.
        subject: The subject.
        episode: The subject's episode that the question's first one is; None: of the same number.
        is_special: Whether the subject's specials are meant.

    Raises:
        ReviewError: The place makes no sense.
    """
    number = question.item.number or 1
    first = number if episode is None else episode
    if first < 1 or subject < 1:
        raise ReviewError(
            f"There is no episode {first} of the subject {subject}.",
            remedy="Subjects and their episodes are numbered from 1.",
        )
    placed = {"subject": subject, "offset": first - number, "special": is_special}
    rule = _rule(question, placed, is_part=not question.is_film)
    suggestion = question.suggestion
    is_suggested = suggestion is not None and (
        (suggestion.subject, suggestion.episode, suggestion.is_special)
        == (subject, first, is_special)
    )
    return Answer(AnswerKind.ACCEPTED if is_suggested else AnswerKind.CORRECTED, rule)


def ignore(question: Question, *, whole_work: bool = False) -> Answer:
    """Answer that the items are to be left alone.

    Args:
        question: The question.
        whole_work: Whether the whole show is, not only the question's episodes.
    """
    is_part = not (question.is_film or whole_work)
    return Answer(AnswerKind.IGNORED, _rule(question, {"ignore": True}, is_part=is_part))


def _rule(question: Question, outcome: Mapping[str, Any], *, is_part: bool) -> OverrideRule:
    """Make the rule for a question's episodes, or else for the whole film or show."""
    item = question.item
    identifiers = {work.provider: work.identifier for work in item.works}
    provider = next((each for each in _PROVIDERS if each in identifiers), None)
    fields: dict[str, Any] = {
        str(provider or "title"): identifiers[provider] if provider else item.title,
        # Films and shows have the same numbers at TMDB.
        "media_type": item.media_type,
        **outcome,
        "note": f"{item.title}, {question.place}" if is_part else item.title,
    }
    if is_part:
        fields |= {"season": item.season, "first": item.number, "last": question.last}
    try:
        return OverrideRule.model_validate(fields)
    except ValidationError as error:
        raise ReviewError(
            f"No rule can be made of it: {error.errors()[0]['msg']}.",
            remedy="Write the rule yourself; docs/matching.md describes how.",
        ) from None


def subject_number(reference: str) -> int:
    """Read which subject a user means.

    Args:
        reference: A number, or the address of a subject's page.

    Raises:
        ReviewError: It is neither.
    """
    found = _REFERENCE.fullmatch(reference.strip())
    if found is None:
        raise ReviewError(
            f"{reference.strip()[:100]!r} is no subject of Bangumi.",
            remedy="Give its number, or its address such as https://bgm.tv/subject/12345.",
        )
    return int(found[1])


def _answered(question_id: str) -> ReviewError:
    return ReviewError(
        f"Nothing waits under {question_id!r}: it is answered, or has changed.",
        remedy="Look at the list again.",
    )


class Reviews:
    """The review of one installation: what waits, and what is answered.

    Args:
        settings: The configuration.
        ledger: The ledger, which keeps the events.
        open_client: Opens Bangumi's API, for subjects that the catalogue does not know.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        open_client: Callable[[], AbstractContextManager["BangumiClient"]] | None = None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._open_client = open_client or self._open_first_client
        self._index_path = settings.catalog_directory / INDEX_NAME

    def queue(self) -> ReviewQueue:
        """Return what waits.

        Raises:
            SyncError: The rules, the lake or the catalogue cannot be read.
        """
        lake = Lake(self._settings.lake_directory)
        overrides = read_overrides(self._settings.overrides_path)
        return read_queue(
            lake, sorted(self._settings.bangumi.accounts), self._index_path, overrides
        )

    def question(self, question_id: str) -> Question:
        """Return what waits under an id.

        Args:
            question_id: The id.

        Raises:
            ReviewError: Nothing does any more.
            SyncError: The rules, the lake or the catalogue cannot be read.
        """
        found = question_of(self.queue(), question_id)
        if found is None:
            raise _answered(question_id)
        return found

    def subject(self, number: int) -> Candidate:
        """Find out what a subject is: the catalogue knows, else Bangumi is asked.

        Args:
            number: The subject.

        Raises:
            ReviewError: There is no such subject, or it is no anime.
            SyncError: Neither can be asked.
        """
        with closing(CatalogIndex(self._index_path)) as index:
            known = index.subjects([number]).get(number)
        if known is not None:
            return candidate(number, known)
        with self._open_client() as client:
            found = client.subject(number)
        if found is None or not found.is_anime:
            what = "has no subject" if found is None else "has no anime"
            raise ReviewError(
                f"Bangumi {what} {number}.",
                remedy="Look the anime up at bgm.tv; the number is in its page's address.",
            )
        return Candidate(number, found.name, found.name_cn, found.begin, found.episodes)

    def record(self, question: Question, answer: Answer, *, by: str) -> None:
        """Store an answer: a rule in the user's file, and an event.

        Args:
            question: What was asked.
            answer: What was answered.
            by: Who answered, for the history.

        Raises:
            ReviewError: Somebody else has just answered it.
            SyncError: It cannot be stored.
        """
        path, rule = self._settings.overrides_path, answer.rule
        detail = {
            "title": question.item.title,
            "place": question.place,
            "accounts": list(question.accounts),
            "rule": rule.model_dump(mode="json", exclude_defaults=True),
            "by": by,
        }
        lock_path = self._settings.home / _LOCK_NAME
        with self._ledger.write() as connection:
            if read_overrides(path).rule_for(question.item) is not None:
                raise _answered(question.id)
            append_events(connection, [Event(EVENT, question.id, state=answer.kind, detail=detail)])
            # Within the transaction: a rule that could not be written leaves no event.
            add_rule(path, lock_path, rule)

    def _open_first_client(self) -> AbstractContextManager["BangumiClient"]:
        bangumi = self._settings.bangumi
        if not bangumi.active_accounts:
            raise ReviewError(
                "The catalogue does not know the subject, and no account can ask Bangumi.",
                remedy="Add [bangumi.accounts.NAME] to sync.toml.",
            )
        account, home = bangumi.active_accounts[0], self._settings.home
        return closing(connect(bangumi, account, self._ledger, home))
