"""What becomes of an upload at its target."""

from collections.abc import Mapping
from dataclasses import dataclass

from sync_assets.relay.models import Reason, VerifiedBy


@dataclass(frozen=True)
class Published:
    """The target is proved to have the file.

    Attributes:
        verified_by: What proves it.
        proof: The proof itself, such as a checksum.
        remote_path: Where it is.
        size_bytes: Its size.
    """

    verified_by: VerifiedBy
    proof: str | None
    remote_path: str
    size_bytes: int


@dataclass(frozen=True)
class Postponed:
    """It did not work, and may work later.

    Attributes:
        reason: Why it did not.
        after_seconds: The shortest pause that the target asked for.
        is_attempt: Whether it counts as one; not where the target was never asked.
    """

    reason: Reason
    after_seconds: float = 0.0
    is_attempt: bool = True


@dataclass(frozen=True)
class Refused:
    """It will not work until somebody does something.

    Attributes:
        reason: Why, with what to do.
        is_of_target: Whether the target takes nothing else either.
    """

    reason: Reason
    is_of_target: bool = False


@dataclass(frozen=True)
class SourceLost:
    """The local file is gone, or is not the one that was downloaded.

    Attributes:
        reason: Which of both.
    """

    reason: Reason


@dataclass(frozen=True)
class Stopped:
    """A user, or the end of the worker, has stopped it."""


UploadOutcome = Published | Postponed | Refused | SourceLost | Stopped
"""What becomes of an upload."""


@dataclass(frozen=True)
class PartRemoved:
    """Nothing is left of a cancelled upload at its target."""


@dataclass(frozen=True)
class Cleaned:
    """A download's local file is removed."""


@dataclass(frozen=True)
class RemoteMissing:
    """An upload that was completed is not at its target any more.

    Attributes:
        upload_id: The upload.
    """

    upload_id: int


def refusals_of_target(outcomes: Mapping[int, UploadOutcome]) -> Mapping[int, Refused]:
    """Return the outcomes that say that the target takes nothing.

    Args:
        outcomes: What has become of uploads to one target, by their ids.
    """
    return {
        upload_id: outcome
        for upload_id, outcome in outcomes.items()
        if isinstance(outcome, Refused) and outcome.is_of_target
    }
