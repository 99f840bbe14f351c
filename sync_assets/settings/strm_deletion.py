"""The configuration of deletions: how much a STRM job may delete before it asks."""

from pydantic import Field

from sync_assets.settings.section import Section


class DeletionSettings(Section):
    """How much one run may delete before it asks."""

    maximum_ratio: float = Field(
        default=0.1, ge=0, le=1, description="Largest share of a job's files deleted by one run."
    )
    maximum_count: int = Field(
        default=1_000, ge=0, description="Largest number of files deleted by one run."
    )
    always_allowed_count: int = Field(
        default=5,
        ge=0,
        description="Up to this many are deleted whatever the share, so that a small library "
        "stays usable. Deleting a job's last files always asks.",
    )
    emptied_folder_count: int = Field(
        default=10,
        ge=1,
        description="A folder that is still there, but has lost all of this many files or more, "
        "may be a drive that went away: its files wait like a deletion beyond the limits.",
    )
    confirm_after_scans: int = Field(
        default=7,
        ge=0,
        description="A deletion beyond the limits is carried out when this many full scans in a "
        "row, each of them whole, found the same. 0: never without approval. The default is a "
        "week of daily scans, so that a drive that is broken over a weekend proves nothing.",
    )
    confirm_interval_hours: float = Field(
        default=20,
        ge=1,
        description="A scan counts only when it began this many hours after the one that counted "
        "before, so that a drive that is broken for an afternoon is seen once however often it is "
        "scanned.",
    )
