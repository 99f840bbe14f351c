"""What Dagster and the user see of a step that cannot do its work, or of items that fail in it."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import dagster as dg

from sync_assets.errors import ItemFailure, SyncError

FAILURES_SHOWN = 50


@contextmanager
def failing_step(report: Callable[[Exception], None], item: str | None = None) -> Generator[None]:
    """Let whatever stops a step's work fail the step, after the domain's health says so.

    Args:
        report: Writes the error to the domain's results.
        item: The account, job or the like that the step is about.

    Raises:
        dagster.Failure: A `SyncError` stopped the work; trying again at once does not help.
    """
    try:
        yield
    except SyncError as error:
        report(error)
        about = f"{item}: " if item else ""
        raise dg.Failure(description=f"{about}{error}", allow_retries=False) from error
    except Exception as error:
        # A mistake of ours must not leave the health of the last run standing.
        report(error)
        raise


def failure_table(failures: Sequence[ItemFailure], *, all_are_in: str) -> str:
    """Return a Markdown table of items that failed, the first ones where there are many.

    Args:
        failures: The items.
        all_are_in: Where all of them can be seen.
    """
    rows = [
        f"| {_cell(each.item)} | {_cell(each.error)} | {_cell(each.remedy)} |"
        for each in failures[:FAILURES_SHOWN]
    ]
    hidden = len(failures) - len(rows)
    more = [f"\n{hidden} more; {all_are_in} has all of them."] if hidden > 0 else []
    return "\n".join(["| item | what went wrong | what to do |", "|---|---|---|", *rows, *more])


def _cell(text: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in text)
    return printable.replace("|", "\\|")
