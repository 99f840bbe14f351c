"""One job in one stage of one run: what the stages work on, and what they return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_assets.errors import ItemFailure
from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import MediaServerSettings, StrmJobSettings
from sync_assets.strm.events.drives import require_mounted
from sync_assets.strm.manifest import Manifest


@dataclass(frozen=True)
class JobRun:
    """One job in one stage of one run.

    Attributes:
        name: The job's name, which is its partition.
        settings: Its settings.
        lease: What keeps other STRM runs away; `require()` it before deleting.
        ledger: The ledger.
        lake: The lake.
        media_servers: The servers that are told of changes, by name.
        checkpoints: The folder that remembers interrupted scans; without it, a scan begins anew.
    """

    name: str
    settings: StrmJobSettings
    lease: Lease
    ledger: Ledger
    lake: Lake
    media_servers: Mapping[str, MediaServerSettings] = field(default_factory=dict)
    checkpoints: Path | None = None

    @property
    def manifest(self) -> Manifest:
        """What the job wrote into its output."""
        manifest = Manifest(self.ledger, self.name, announces=bool(self.media_servers))
        manifest.claim_output(self.settings.output)
        return manifest

    def require_mounted(self) -> None:
        """Make sure that the job's drive was not reported as unmounted.

        Raises:
            DriveUnmountedError: It was.
        """
        paths = (self.settings.source_path, self.settings.event_path)
        require_mounted(self.ledger, self.name, paths)


@dataclass(frozen=True)
class StageResult:
    """What a stage did for one job.

    Attributes:
        numbers: Counts, plotted by the UI and reported by `/health`.
        failures: Items that did not work.
        notes: Further facts, for people.
        files: How many files it looked at, which gives its rate.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[ItemFailure] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    files: int = 0
