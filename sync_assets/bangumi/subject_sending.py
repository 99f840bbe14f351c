"""Send the reports of one subject: its entry in the collection, then its marks in one batch.

The state of every report is written before a request and after it, so that a crash anywhere
leaves either what was not sent, or what is `unknown` and read before it is sent again.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sync_assets.bangumi.account_run import AccountRun
from sync_assets.bangumi.entries import entry_has
from sync_assets.bangumi.errors import (
    BangumiBannedError,
    BangumiRejectedError,
    BangumiUnavailableError,
    OutcomeUnknownError,
)
from sync_assets.bangumi.marks import retry_at
from sync_assets.bangumi.models import CollectionType, EpisodeState
from sync_assets.bangumi.report_models import Draft, Report, ReportKind, ReportState, collection_key
from sync_assets.bangumi.reports import (
    begin_sending,
    doubt,
    fail,
    finish,
    put_back,
    read_reports,
    save_drafts,
)
from sync_assets.oauth.errors import NotConnectedError

_NOT_NOW = (BangumiBannedError, BangumiUnavailableError, NotConnectedError)
_NOT_COLLECTED = "add subject to your collection"
_TRIES = 3
_log = logging.getLogger(__name__)


@dataclass
class Sent:
    """What became of the reports of a run.

    Attributes:
        marks: Episodes that Bangumi has now.
        entries: Entries of the collection that it has now.
        failed: What it refused.
        unknown: What nobody knows.
        withdrawn: What was planned and is not wanted.
        outdated: What was planned too long ago.
    """

    marks: int = 0
    entries: int = 0
    failed: int = 0
    unknown: int = 0
    withdrawn: int = 0
    outdated: int = 0


class SubjectSender:
    """Sends the reports of one subject.

    Args:
        run: The account.
        sent: Counts what becomes of them.
    """

    def __init__(self, run: AccountRun, sent: Sent) -> None:
        self._run = run
        self._sent = sent

    @property
    def _privacy(self) -> bool | None:
        """What a new entry says about who sees it; None leaves it to the user's own default."""
        return True if self._run.settings.reporting.private else None

    def send(self, reports: Sequence[Report]) -> None:
        """Send the entry in the collection, then the marks."""
        entry = next((e for e in reports if e.key.kind is ReportKind.COLLECTION), None)
        marks = [each for each in reports if each.key.kind is not ReportKind.COLLECTION]
        if entry is not None and not self._send_entry(entry, marks):
            return
        for target in (EpisodeState.WATCHED, EpisodeState.NONE):
            chosen = [each for each in marks if each.target_type == target]
            if chosen:
                self._send_marks(chosen)
        if entry is not None and entry.target_type == CollectionType.COLLECTED:
            self._correct_completion(entry, marks)

    def _send_entry(self, entry: Report, marks: Sequence[Report] = ()) -> bool:
        """Send an entry of the collection; tell whether the marks of its subject may follow."""
        client, subject = self._run.client, entry.key.subject
        is_new = entry.previous_type is None
        self._begin([entry])
        for _ in range(_TRIES):
            try:
                client.set_collection(
                    subject,
                    CollectionType(entry.target_type or CollectionType.WATCHING),
                    rate=entry.target_rate,
                    private=self._privacy if is_new else None,
                )
            except BangumiRejectedError as error:
                # Without an entry no episode of the subject can be marked.
                self._fail([entry, *marks] if is_new else [entry], error.reason)
                return not is_new
            except OutcomeUnknownError as error:
                _log.warning("%s", error.message)
                self._doubt([entry])
                if not entry_has(entry, client.collection(subject)):
                    self._put_back([entry])
                    self._begin([entry])
                    continue
            except _NOT_NOW:
                self._put_back([entry])
                raise
            self._finish([entry])
            return True
        self._put_back([entry])
        return False

    def _send_marks(self, marks: Sequence[Report]) -> None:
        """Send the marks of one target state, in as few requests as Bangumi takes."""
        self._begin(marks)
        waiting = list(marks)
        for attempt in range(_TRIES):
            if attempt > 0:
                self._begin(waiting)
            try:
                self._send_batch(waiting)
            except OutcomeUnknownError as error:
                _log.warning("%s", error.message)
                waiting = self._resolve(self._still_sending(marks))
                if not waiting:
                    return
            except _NOT_NOW:
                self._put_back(self._still_sending(marks))
                raise
            else:
                return

    def _send_batch(self, marks: Sequence[Report], *, may_collect: bool = True) -> None:
        """Send marks as one batch; isolate what Bangumi refuses."""
        first = marks[0]
        state = EpisodeState(first.target_type or EpisodeState.NONE)
        identifiers = {each.episode_id for each in marks if each.episode_id is not None}
        try:
            self._run.client.set_episodes(first.key.subject, identifiers, state)
        except BangumiRejectedError as error:
            is_missing = _NOT_COLLECTED in error.reason
            if is_missing and may_collect and self._collect(first.key.subject):
                self._send_batch(marks, may_collect=False)
            elif error.status != 400 or is_missing:
                self._fail(marks, error.reason)
            elif len(identifiers) == 1:
                self._send_single(marks, state)
            else:
                for part in _split(marks, error.reason):
                    self._send_batch(part, may_collect=may_collect)
        else:
            self._finish(marks)

    def _collect(self, subject: int) -> bool:
        """Put a subject back into the collection; tell whether Bangumi took it."""
        try:
            self._run.client.set_collection(subject, CollectionType.WATCHING, private=self._privacy)
        except BangumiRejectedError as error:
            _log.warning("%s", error.message)
            return False
        return True

    def _send_single(self, marks: Sequence[Report], state: EpisodeState) -> None:
        """Send one episode by itself: a batch is refused for ids that are right as well."""
        try:
            self._run.client.set_episode(marks[0].episode_id or 0, state)
        except BangumiRejectedError as error:
            self._fail(marks, error.reason)
        else:
            self._finish(marks)

    def _resolve(self, marks: Sequence[Report]) -> list[Report]:
        """Read what Bangumi has of marks whose outcome is unknown; return those it has not."""
        self._doubt(marks)
        episodes = self._run.client.episodes(marks[0].key.subject)
        there, missing = [], []
        for each in marks:
            episode = episodes.get(each.episode_id or 0)
            found = episode is not None and episode.state == each.target_type
            (there if found else missing).append(each)
        self._finish(there)
        self._put_back(missing)
        return missing

    def _correct_completion(self, entry: Report, marks: Sequence[Report]) -> None:
        """Take 看过 back where an episode could not be marked after all."""
        if not self._in_state(marks, (ReportState.FAILED, ReportState.PLANNED)):
            return
        draft = Draft(
            collection_key(entry.key.subject),
            ReportState.PLANNED,
            entry.title,
            target_type=CollectionType.WATCHING,
            previous_type=entry.target_type,
            previous_rate=entry.target_rate,
        )
        done = replace(entry, state=ReportState.DONE)
        with self._run.ledger.write() as connection:
            save_drafts(connection, self._run.account, [(draft, done)], self._run.run_id)
        self._send_entry(
            replace(
                entry, target_type=CollectionType.WATCHING, target_rate=None, previous_rate=None
            )
        )

    def _still_sending(self, marks: Sequence[Report]) -> list[Report]:
        return self._in_state(marks, (ReportState.SENDING,))

    def _in_state(self, marks: Sequence[Report], states: Sequence[ReportState]) -> list[Report]:
        if not marks:
            return []
        subject = marks[0].key.subject
        with self._run.ledger.read() as connection:
            current = read_reports(connection, self._run.account, states=states, subject=subject)
        wanted = {each.id for each in marks}
        return [each for each in current if each.id in wanted]

    def _begin(self, reports: Sequence[Report]) -> None:
        with self._run.ledger.write() as connection:
            begin_sending(connection, reports, self._run.run_id)

    def _finish(self, reports: Iterable[Report]) -> None:
        reports = list(reports)
        with self._run.ledger.write() as connection:
            finish(connection, reports, self._run.run_id)
        entries = sum(each.key.kind is ReportKind.COLLECTION for each in reports)
        self._sent.entries += entries
        self._sent.marks += len(reports) - entries

    def _fail(self, reports: Sequence[Report], reason: str) -> None:
        with self._run.ledger.write() as connection:
            for each in reports:
                not_before = retry_at(self._run.clock(), each.attempts + 1)
                fail(connection, [each], reason, not_before, self._run.run_id)
        self._sent.failed += len(reports)
        names = ", ".join(f"{each.title} ({each.key.subject})" for each in reports[:3])
        _log.warning("Bangumi refused %d reports: %s: %s", len(reports), names, reason)

    def _doubt(self, reports: Sequence[Report]) -> None:
        with self._run.ledger.write() as connection:
            doubt(connection, reports, self._run.run_id)

    def _put_back(self, reports: Sequence[Report]) -> None:
        with self._run.ledger.write() as connection:
            put_back(connection, reports, self._run.run_id)


def _split(marks: Sequence[Report], reason: str) -> list[Sequence[Report]]:
    """Part a refused batch: the episode that Bangumi names from the others, else into halves."""
    words = set(reason.replace(",", " ").replace('"', " ").split())
    named = [each for each in marks if str(each.episode_id) in words]
    others = [each for each in marks if each not in named]
    if named and others and len({each.episode_id for each in named}) == 1:
        return [others, named]
    middle = len(marks) // 2
    return [marks[:middle], marks[middle:]]
