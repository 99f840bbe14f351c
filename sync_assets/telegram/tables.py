"""Markdown tables of chats and posts for Dagster's UI."""

from collections.abc import Sequence

from sync_assets.ledger.types import AnyRow
from sync_assets.telegram.settling import SendingReport

_SHOWN = 50


def chat_table(report: SendingReport) -> str:
    """Return a table of the chats that did not get all their posts.

    Args:
        report: What a run did.
    """
    rows = [f"| {_cell(chat)} | {_cell(reason)} | |" for chat, reason in report.paused.items()]
    rows += [
        f"| {_cell(each.chat_id)} | {_cell(each.problem)} | {_cell(each.remedy)} |"
        for each in report.problems
    ]
    return "\n".join(["| chat | why | what to do |", "|---|---|---|", *rows])


def post_table(posts: Sequence[AnyRow]) -> str:
    """Return a table of posts, the first ones where there are many.

    Args:
        posts: Rows of the outbox.
    """
    rows = [
        f"| {each.id} | {_cell(each.chat_id)} | {_cell(each.work['url'])} | {each.page + 1} "
        f"| {_cell(each.reason or '')} |"
        for each in posts[:_SHOWN]
    ]
    hidden = len(posts) - len(rows)
    more = [f"\n{hidden} more: scripts/telegram-posts list"] if hidden > 0 else []
    return "\n".join(["| post | chat | work | page | why |", "|---|---|---|---|---|", *rows, *more])


def _cell(text: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in text)
    return printable.replace("|", "\\|")
