"""One account in one stage of one run: what the stages work on, and what they return."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.leases import Lease
from sync_assets.ledger.types import utc_now
from sync_assets.settings.bangumi import BangumiSettings

if TYPE_CHECKING:
    from sync_assets.bangumi.client import BangumiClient


@dataclass(frozen=True)
class AccountRun:
    """One account in one stage of one run.

    Attributes:
        account: The account's name, which is its partition.
        settings: The domain's settings.
        run_id: The Dagster run.
        ledger: The ledger.
        lake: The lake.
        client: Bangumi's API for this account.
        lease: What keeps other runs of the account away; `require()` it before each change.
        plan_directory: Where the plans are written for people, as CSV.
        clock: The time.
    """

    account: str
    settings: BangumiSettings
    run_id: str
    ledger: Ledger
    lake: Lake
    client: "BangumiClient"
    lease: Lease
    plan_directory: Path
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class StageResult:
    """What a stage did for one account.

    Attributes:
        numbers: Counts, plotted by the UI and reported by `/health`.
        failed: Items that did not work.
        notes: Further facts for people, as Markdown.
        new_reviews: What waits for the user's review since this run, by title.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    failed: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)
    new_reviews: Sequence[str] = ()
