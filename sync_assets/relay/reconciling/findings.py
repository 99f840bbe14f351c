"""What reconciling finds."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Difference(StrEnum):
    """How the ledger differs from what is.

    `file_missing`, `file_changed`: of a completed download. `folder_unknown`: of no download.
    `not_cleaned`: the ledger says that a file is removed, and it is there. `cleaned_early`: it is
    removed, and a required target lacks it. `media_behind`: a medium's state does not follow from
    its transfers. `task_unknown`: aria2 writes to the download directory for nobody.
    `remote_missing`: a completed upload is not at its target, or has another size. `part_left`: an
    upload that has ended left a part. `target_unreachable`: nothing is known of its files.
    """

    FILE_MISSING = "file_missing"
    FILE_CHANGED = "file_changed"
    FOLDER_UNKNOWN = "folder_unknown"
    NOT_CLEANED = "not_cleaned"
    CLEANED_EARLY = "cleaned_early"
    MEDIA_BEHIND = "media_behind"
    TASK_UNKNOWN = "task_unknown"
    REMOTE_MISSING = "remote_missing"
    PART_LEFT = "part_left"
    TARGET_UNREACHABLE = "target_unreachable"


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        difference: Its kind.
        subject: What it is about, such as `download 7`; never secret.
        text: What is different.
        repair: What repairs it: done by `apply` where there is one, else by hand.
        apply: Repairs it.
        is_repaired: Whether it was.
    """

    difference: Difference
    subject: str
    text: str
    repair: str
    apply: Callable[[], None] | None = None
    is_repaired: bool = False
