"""The first stage: what media servers have sent becomes items of the accounts."""

from sync_assets.bangumi.account_run import AccountRun, StageResult
from sync_assets.bangumi.custom.draining import Drained, drain
from sync_assets.bangumi.custom.items import CustomItemState, read_items

_SHOWN = 20


def take_in(run: AccountRun) -> StageResult:
    """Empty the inbox of what media servers have sent, for all accounts at once.

    Args:
        run: The account whose items are counted.

    Returns:
        Counts; the users that are not configured, and what could not be understood.
    """
    drained = drain(run.ledger, run.settings.custom, run.run_id)
    with run.ledger.read() as connection:
        items = read_items(connection, run.account)
    waiting = [each for each in items if each.state is not CustomItemState.DONE]
    return StageResult(
        {
            "events": drained.events,
            "new_items": drained.items,
            "ignored": sum(drained.ignored.values()),
            "ignored_unknown_user": sum(drained.unknown_users.values()),
            "items": len(items),
            "items_waiting": len(waiting),
        },
        failed=len(drained.failed),
        notes=_notes(drained),
    )


def _notes(drained: Drained) -> dict[str, str]:
    lines = {
        "ignored_reasons": [f"{reason}: {n}" for reason, n in drained.ignored.most_common(_SHOWN)],
        "unknown_users": [f"{user}: {n}" for user, n in drained.unknown_users.most_common(_SHOWN)],
        "failures": drained.failed[:_SHOWN],
    }
    return {
        name: "\n".join(f"* {_plain(each)}" for each in found)
        for name, found in lines.items()
        if found
    }


def _plain(text: str) -> str:
    """Keep what others have sent from being Markdown."""
    return "".join(
        f"\\{character}" if character in "\\`*_[]<>|" else character
        for character in text
        if character.isprintable()
    )
