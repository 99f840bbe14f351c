"""What a run on an account's posts did, for Dagster's metadata and for `/health`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.results import Result, ResultStatus
from sync_assets.ops.health import report_result
from sync_assets.settings import Settings
from sync_assets.telegram.chats import ChatProblem, chat_problems, original_chat_ids
from sync_assets.telegram.counting import Counts, count_posts
from sync_assets.telegram.settling import SendingReport

DOMAIN = "telegram"


class Reporter:
    """Keeps an account's result.

    Args:
        settings: The whole configuration.
        ledger: The ledger.
        run_id: The Dagster run.
        partition: The account.
        chat_ids: Its chats, as they are configured.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        *,
        run_id: str,
        partition: str,
        chat_ids: Sequence[str],
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._run_id = run_id
        self._partition = partition
        self._chat_ids = chat_ids

    def succeeded(self, report: SendingReport) -> dict[str, Any]:
        """Report what a run did.

        Args:
            report: What it did.

        Returns:
            Its numbers, and those of the outbox.
        """
        counts, problems = self._read()
        troubled = bool(counts.failed or counts.unknown or problems)
        status = ResultStatus.DEGRADED if troubled else ResultStatus.OK
        if problems and len(problems) == len(set(self._chat_ids)):
            status = ResultStatus.FAILED
        metrics = _metrics(counts)
        self._record(status, counts, report, {"metrics": metrics})
        return {
            "sent": report.sent,
            "put_back": report.put_back,
            "requests": report.requests,
            "reused": report.reused,
            "chats_with_problems": len(problems),
            **metrics,
        }

    def failed(self, error: Exception) -> None:
        """Report that nothing, or not all, could be sent.

        Args:
            error: Why.
        """
        counts, _ = self._read()
        text = str(error) if isinstance(error, SyncError) else type(error).__name__
        detail = {"metrics": _metrics(counts), "error": text}
        self._record(ResultStatus.FAILED, counts, SendingReport(), detail)

    def _read(self) -> tuple[Counts, list[ChatProblem]]:
        with self._ledger.read() as connection:
            counts = count_posts(connection).get(self._partition, Counts())
            chat_ids = original_chat_ids(connection, self._chat_ids)
            return counts, chat_problems(connection, chat_ids)

    def _record(
        self,
        status: ResultStatus,
        counts: Counts,
        report: SendingReport,
        detail: Mapping[str, Any],
    ) -> None:
        result = Result(
            domain=DOMAIN,
            partition=self._partition,
            status=status,
            added=report.sent,
            skipped=counts.queue,
            failed=counts.failed + counts.unknown,
            run_id=self._run_id,
            detail=detail,
        )
        report_result(self._ledger, self._settings, result)


def _metrics(counts: Counts) -> dict[str, Any]:
    last_sent = counts.last_sent
    return {
        **counts.numbers(),
        "tg_last_sent": last_sent.isoformat(timespec="seconds") if last_sent else "never",
    }
