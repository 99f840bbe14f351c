"""Undo a run: put back at Bangumi what the run has changed and nobody has changed since.

The events of the ledger are the log of every run. An entry that a run has made cannot be removed,
because the API has no request for that; its rating is taken away.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sync_assets.bangumi.client import BangumiClient
from sync_assets.bangumi.models import CollectionType, EpisodeState
from sync_assets.bangumi.report_models import ReportKind, ReportState
from sync_assets.bangumi.reports import REPORTS
from sync_assets.ledger import Ledger
from sync_assets.ledger.schema import bangumi_reports, events
from sync_assets.ledger.types import AnyRow


@dataclass(frozen=True, slots=True)
class Change:
    """What a run has changed.

    Attributes:
        report_id: The report.
        account: Whose.
        subject: The subject.
        kind: What was changed.
        title: What it is, for people.
        episode_id: The episode, where it is one.
        before: The type before.
        after: The type that the run gave it.
        rate_before: The rating before.
        rate_after: The rating that the run gave.
        state: The report's state now.
    """

    report_id: int
    account: str
    subject: int
    kind: ReportKind
    title: str
    episode_id: int | None
    before: int | None
    after: int | None
    rate_before: int | None
    rate_after: int | None
    state: ReportState

    @property
    def is_entry(self) -> bool:
        """Whether it is an entry of the collection."""
        return self.kind is ReportKind.COLLECTION

    @property
    def description(self) -> str:
        """What taking it back means, for people."""
        if not self.is_entry:
            labels = [EpisodeState(each or 0).label for each in (self.after, self.before)]
        elif self.before is None:
            return "the entry stays: Bangumi has no request that removes one"
        else:
            labels = [CollectionType(each).label for each in (self.after, self.before) if each]
        return " → ".join(labels)


def changes_of_run(connection: Connection, run_id: str) -> list[Change]:
    """Return what a run has changed and is not undone yet, newest first.

    Args:
        connection: A transaction of the ledger.
        run_id: The run.
    """
    query = (
        select(events)
        .where(
            events.c.entity == REPORTS.name,
            events.c.run_id == run_id,
            events.c.state == str(ReportState.DONE),
        )
        .order_by(events.c.id.desc())
    )
    logged = [row for row in connection.execute(query) if "to" in row.detail]
    rows = {row.id: row for row in connection.execute(select(bangumi_reports))}
    changes: dict[int, Change] = {}
    for event in logged:
        row = rows.get(int(event.entity_id))
        if row is not None and row.state == ReportState.DONE:
            changes[row.id] = _change(row, event.detail, changes.get(row.id))
    return list(changes.values())


def undo(
    ledger: Ledger, client: BangumiClient, changes: Sequence[Change], run_id: str
) -> tuple[int, int]:
    """Take changes of one account back.

    Args:
        ledger: The ledger.
        client: Bangumi's API for the account.
        changes: The changes.
        run_id: What the history says about who did it.

    Returns:
        How many were taken back, and how many were left because somebody has changed them since.

    Raises:
        SyncError: Bangumi cannot be asked; running it again goes on from there.
    """
    undone = kept = 0
    for subject in dict.fromkeys(each.subject for each in changes):
        own = [each for each in changes if each.subject == subject]
        taken_back = _undo_subject(client, subject, own)
        with ledger.write() as connection:
            ids = [each.report_id for each in taken_back]
            REPORTS.transition_all(connection, ids, ReportState.UNDONE, run_id=run_id)
        undone += len(taken_back)
        kept += len(own) - len(taken_back)
    return undone, kept


def _undo_subject(client: BangumiClient, subject: int, changes: Iterable[Change]) -> list[Change]:
    changes = list(changes)
    taken_back: list[Change] = []
    marks = [each for each in changes if not each.is_entry]
    episodes = client.episodes(subject) if marks else {}
    current = {identifier: episode.state for identifier, episode in episodes.items()}
    for before in dict.fromkeys(each.before for each in marks):
        group = [each for each in marks if each.before == before]
        ours = [each for each in group if current.get(each.episode_id or 0) == each.after]
        identifiers = {each.episode_id for each in ours if each.episode_id is not None}
        if identifiers:
            client.set_episodes(subject, identifiers, EpisodeState(before or 0))
        # One that is as before already was taken back by a call that was interrupted.
        taken_back += [e for e in group if e in ours or current.get(e.episode_id or 0) == before]
    for entry in (each for each in changes if each.is_entry):
        if _undo_entry(client, entry):
            taken_back.append(entry)
    return taken_back


def _undo_entry(client: BangumiClient, entry: Change) -> bool:
    collected = client.collection(entry.subject)
    if collected is None or collected.type != entry.after:
        return False
    rated = entry.rate_after is not None and collected.rate == entry.rate_after
    client.set_collection(
        entry.subject,
        CollectionType(entry.before or collected.type),
        rate=(entry.rate_before or 0) if rated else None,
    )
    return True


def _change(row: AnyRow, detail: Mapping, newer: Change | None) -> Change:
    """Read one change; of several by one run the oldest says what was before."""
    before, rate_before = detail["from"]
    after, rate_after = detail["to"]
    return Change(
        row.id,
        row.account,
        row.subject,
        ReportKind(row.kind),
        row.title,
        row.episode_id,
        before,
        newer.after if newer else after,
        rate_before,
        newer.rate_after if newer else rate_after,
        ReportState(row.state),
    )
