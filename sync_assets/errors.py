"""The errors that a user is meant to read: what failed, why, and what to do.

Every error that can reach a user's terminal, the Dagster UI or an API answer derives from
`SyncError`. Programming mistakes stay ordinary exceptions.
"""

from dataclasses import dataclass


class SyncError(Exception):
    """A failure with a remedy.

    Args:
        message: What went wrong, with the item's name, path or address.
        remedy: What the user can do about it, as an instruction.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\nWhat to do: {self.remedy}"


@dataclass(frozen=True)
class ItemFailure:
    """One item that could not be dealt with, while the others went on.

    Attributes:
        item: Which, such as its path.
        error: What went wrong.
        remedy: What to do about it.
    """

    item: str
    error: str
    remedy: str
