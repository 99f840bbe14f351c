"""The page that asks about what the matching was not sure of.

Each answer is stored at once, and its card gives way to what was done; the run that obeys it is
started when the user asks for it, so that many answers are one run.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse, Response

from sync_assets.bangumi.review_queue import Candidate, Question, ReviewQueue
from sync_assets.bangumi.reviewing import (
    Answer,
    ReviewError,
    Reviews,
    ignore,
    place,
    subject_number,
)
from sync_assets.errors import SyncError
from sync_assets.server.context import context_of
from sync_assets.server.errors import ApiError, InvalidRequestError
from sync_assets.server.pages import PageUser, fragment, page, see_other
from sync_assets.server.run_launcher import LaunchError

router = APIRouter(prefix="/review", include_in_schema=False)

_ADDRESS = "/review"
_JOB = "trakt_to_bangumi"

Result = TypeVar("Result")


class Choice(StrEnum):
    """The buttons of a question."""

    PLACE = "place"
    IGNORE = "ignore"
    IGNORE_ALL = "ignore_all"


class AnswerForm(BaseModel):
    """What a question's form sends.

    Attributes:
        id: The question's.
        choice: The button.
        subject: The chosen candidate.
        reference: Another subject's number or address, which counts more.
        episode: Its episode that the question's first one is; empty for the probable one.
        special: Whether its specials are meant.
    """

    id: str = Field(max_length=16)
    choice: Choice
    subject: str = Field(default="", max_length=20)
    reference: str = Field(default="", max_length=200)
    episode: str = Field(default="", max_length=6)
    special: bool = False


class ReviewUnavailableError(ApiError):
    """What waits cannot be read, or an answer not be stored."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "review_unavailable"


@router.get("")
async def review(request: Request, _: PageUser) -> HTMLResponse:
    """Show what waits."""
    queue = await _working(_reviews(request).queue)
    return page(request, "review.html", queue=queue, first_episode=first_episode)


@router.get("/subject")
async def subject_preview(
    request: Request, _: PageUser, reference: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """Show what a subject is, while a user still decides."""
    if not reference.strip():
        return fragment("review_subject.html", subject=None, problem="")
    reviews = _reviews(request)
    try:
        subject = await asyncio.to_thread(lambda: reviews.subject(subject_number(reference)))
    except SyncError as error:
        problem = f"{error.message} {error.remedy}"
        return fragment("review_subject.html", subject=None, problem=problem)
    return fragment("review_subject.html", subject=subject, problem="")


@router.post("/answer")
async def answer_question(
    request: Request, user: PageUser, form: Annotated[AnswerForm, Form()]
) -> Response:
    """Store an answer, and show what was done."""
    reviews = _reviews(request)

    def work() -> tuple[Question, Answer, Candidate | None]:
        question = reviews.question(form.id)
        if form.choice is not Choice.PLACE:
            answer = ignore(question, whole_work=form.choice is Choice.IGNORE_ALL)
            reviews.record(question, answer, by=user.name)
            return question, answer, None
        chosen = reviews.subject(subject_number(form.reference.strip() or form.subject))
        episode = _episode(form.episode, first_episode(question, chosen))
        answer = place(question, chosen.number, episode, is_special=form.special)
        reviews.record(question, answer, by=user.name)
        return question, answer, chosen

    question, answer, chosen = await _working(work)
    if request.headers.get("hx-request") != "true":
        return see_other(request, _ADDRESS, f"Stored: {question.item.title}, {question.place}.")
    queue = await _working(reviews.queue)
    return fragment(
        "review_answered.html", question=question, answer=answer, subject=chosen, queue=queue
    )


@router.post("/run")
async def match_now(request: Request, _: PageUser) -> Response:
    """Start the run that obeys the answers, for each account that has some."""
    context = context_of(request)
    queue: ReviewQueue = await _working(_reviews(request).queue)
    active = set(context.settings.bangumi.active_accounts)
    accounts = [name for name in queue.answered_accounts if name in active]
    try:
        for account in accounts:
            await context.launcher.start(_JOB, account)
    except LaunchError as error:
        raise ReviewUnavailableError(
            f"{error.message} The answers are stored.",
            remedy=f"{error.remedy} The next scheduled run obeys them in any case.",
        ) from error
    names = ", ".join(accounts)
    return see_other(
        request,
        _ADDRESS,
        f"A run is on its way for {names}." if names else "No account has answers that wait.",
    )


def first_episode(question: Question, candidate: Candidate) -> int:
    """Return the episode of a subject that a question's first one probably is.

    Args:
        question: The question.
        candidate: The subject.
    """
    suggestion, number = question.suggestion, question.item.number or 1
    if suggestion is not None and suggestion.subject == candidate.number:
        return suggestion.episode
    is_too_short = candidate.episodes is not None and (question.last or 1) > candidate.episodes
    return 1 if is_too_short else number


def _episode(text: str, probable: int) -> int:
    if not text.strip():
        return probable
    if not text.strip().isdecimal():
        raise ReviewError(f"{text!r} is no episode.", remedy="Give a number from 1.")
    return int(text)


def _reviews(request: Request) -> Reviews:
    context = context_of(request)
    return Reviews(context.settings, context.ledger)


async def _working(work: Callable[[], Result]) -> Result:
    try:
        return await asyncio.to_thread(work)
    except ReviewError as error:
        raise InvalidRequestError(error.message, remedy=error.remedy) from error
    except SyncError as error:
        raise ReviewUnavailableError(error.message, remedy=error.remedy) from error
