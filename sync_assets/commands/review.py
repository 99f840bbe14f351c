"""Answer what the matching was not sure of: `scripts/review`."""

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.settings import load_settings

if TYPE_CHECKING:
    from sync_assets.bangumi.review_queue import Candidate, Question
    from sync_assets.bangumi.reviewing import Answer, Reviews

_BY = "scripts/review"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.

    Raises:
        SyncError: What waits cannot be read, or the answer not stored.
    """
    from sync_assets.bangumi.reviewing import Reviews

    options = _parser().parse_args(arguments)
    settings = load_settings()
    with closing(Ledger.open(settings.ledger_url)) as ledger:
        options.run(Reviews(settings, ledger), options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/review",
        description="Answer what the matching was not sure of. An answer becomes a rule of your "
        "own in the file of overrides; the next run of trakt_to_bangumi obeys it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="list what waits, with candidates and reasons")
    listing.add_argument("--json", action="store_true", help="print JSON instead")
    listing.set_defaults(run=_list)

    accept = commands.add_parser("accept", help="take what is suggested")
    accept.set_defaults(run=_accept)

    correct = commands.add_parser("correct", help="say which subject of Bangumi it is")
    correct.set_defaults(run=_correct)

    ignore = commands.add_parser("ignore", help="leave it alone")
    ignore.add_argument(
        "--whole-show", action="store_true", help="all of the show, not only these episodes"
    )
    ignore.set_defaults(run=_ignore)

    for command in (accept, correct, ignore):
        command.add_argument("id", metavar="ID", help="as `list` shows it")
    correct.add_argument(
        "subject", metavar="SUBJECT", help="its number, or its address: https://bgm.tv/subject/N"
    )
    correct.add_argument(
        "--episode",
        type=int,
        metavar="N",
        help="the subject's episode that the first of these is; without it: of the same number",
    )
    correct.add_argument("--special", action="store_true", help="the subject's specials are meant")
    return parser


def _list(reviews: "Reviews", options: argparse.Namespace) -> None:
    queue = reviews.queue()
    if options.json:
        print(json.dumps([_fields(each) for each in queue.questions], ensure_ascii=False))
        return
    table = Table("id", "what", "suggested", "candidates", "why")
    for each in queue.questions:
        table.add_row(
            each.id,
            Text(f"{each.item.title}\n{each.place}"),
            Text(_suggested(each)),
            Text("\n".join(_described(candidate) for candidate in each.candidates)),
            Text("\n".join(each.evidence)),
        )
    Console().print(table)
    if queue.answered:
        print(f"{queue.answered} more have an answer, which the next run of trakt_to_bangumi sees.")


def _accept(reviews: "Reviews", options: argparse.Namespace) -> None:
    from sync_assets.bangumi.reviewing import accept

    question = reviews.question(options.id)
    _record(reviews, question, accept(question))


def _correct(reviews: "Reviews", options: argparse.Namespace) -> None:
    from sync_assets.bangumi.reviewing import place, subject_number

    question = reviews.question(options.id)
    subject = reviews.subject(subject_number(options.subject))
    print(f"{_described(subject)}, {subject.address}")
    answer = place(question, subject.number, options.episode, is_special=options.special)
    _record(reviews, question, answer)


def _ignore(reviews: "Reviews", options: argparse.Namespace) -> None:
    from sync_assets.bangumi.reviewing import ignore

    question = reviews.question(options.id)
    _record(reviews, question, ignore(question, whole_work=options.whole_show))


def _record(reviews: "Reviews", question: "Question", answer: "Answer") -> None:
    reviews.record(question, answer, by=_BY)
    print(
        f"{question.item.title}, {question.place}: {answer.kind}. "
        "The next run of trakt_to_bangumi sees it; to start it now:\n"
        "dagster job execute -m sync_assets.definitions -j trakt_to_bangumi"
    )


def _suggested(question: "Question") -> str:
    suggestion = question.suggestion
    if suggestion is None:
        return ""
    kind = "special" if suggestion.is_special else "episode"
    return f"{suggestion.subject}, {kind} {suggestion.episode} ({suggestion.confidence:.0%})"


def _described(candidate: "Candidate") -> str:
    names = " · ".join(filter(None, (candidate.name, candidate.name_cn)))
    return f"{candidate.number} {names}".strip()


def _fields(question: "Question") -> dict[str, Any]:
    item, suggestion = question.item, question.suggestion
    return {
        "id": question.id,
        "title": item.title,
        "original_title": item.original_title,
        "year": item.year,
        "media_type": item.media_type,
        "season": item.season,
        "first": item.number,
        "last": question.last,
        "episodes": question.episodes,
        "accounts": list(question.accounts),
        "suggestion": None
        if suggestion is None
        else {
            "subject": suggestion.subject,
            "episode": suggestion.episode,
            "special": suggestion.is_special,
            "method": suggestion.method,
            "confidence": suggestion.confidence,
        },
        "candidates": [
            {
                "subject": each.number,
                "name": each.name,
                "name_cn": each.name_cn,
                "begin": each.begin and each.begin.isoformat(),
                "episodes": each.episodes,
            }
            for each in question.candidates
        ],
        "evidence": list(question.evidence),
    }


if __name__ == "__main__":
    run_command(main)
