"""The errors of the lake."""

from sync_assets.errors import SyncError


class LakeError(SyncError):
    """A table that cannot be stored, merged or read."""


class AbsentError(LakeError):
    """A partition, or a whole asset, that the lake does not have."""
