"""Uploads that are sent in one go, mostly a single one, and what has become of each of them."""

import logging
from collections.abc import Mapping, Sequence

from sync_assets.errors import SyncError
from sync_assets.ledger.types import AnyRow
from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.uploading.outcomes import Postponed, Refused, UploadOutcome
from sync_assets.relay.uploading.targets import Target
from sync_assets.relay.uploading.transfer import StoppedError, Transfer

Batch = Sequence[tuple[AnyRow, Transfer]]
"""Uploads to one target."""

_logger = logging.getLogger(__name__)


def send_batch(target: Target, batch: Batch) -> Mapping[int, UploadOutcome]:
    """Send uploads to their target, several of them together.

    Args:
        target: The target.
        batch: The uploads, at least one.

    Returns:
        What has become of each, by its id; whatever went wrong.
    """
    try:
        if len(batch) > 1:
            return target.send_together(batch)
        ((row, transfer),) = batch
        return {row.id: target.send(row, transfer)}
    except StoppedError:
        return {row.id: transfer.stopped_with for row, transfer in batch}
    except SyncError as error:
        reason = Reason(ReasonCode.RCLONE_ERROR, f"{error.message} {error.remedy}")
        return {row.id: Postponed(reason) for row, _ in batch}
    except Exception as error:
        # A mistake of ours, or something that nobody foresaw: of these uploads, not of all.
        _logger.exception("Uploads %s cannot be done", [row.id for row, _ in batch])
        text = f"It cannot be done ({type(error).__name__}). The run's log says more."
        outcome: UploadOutcome = Postponed(Reason(ReasonCode.FILE_ERROR, text))
        if target.lost_answer is not None:
            outcome = Refused(target.lost_answer)
        return {row.id: outcome for row, _ in batch}
