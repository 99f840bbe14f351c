"""A worker as a program, to be killed: `python -m sync_assets_tests.relay.killed_worker HOME`.

What is to be configured otherwise may follow, as JSON.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sync_assets.ledger import Ledger
from sync_assets.relay.worker import drive
from sync_assets.settings import Settings


def settings_of(home: Path, options: Mapping[str, Any] | None = None) -> Settings:
    return Settings.model_validate(
        {
            "home": home,
            "relay": {
                "enabled": True,
                "download_directory": home / "downloads",
                "disk_free_threshold_bytes": 0,
                "retry_backoff_initial_seconds": 0.1,
                "retry_backoff_multiplier": 1,
                "timeout_seconds": 5,
                **(options or {}),
            },
        }
    )


def main() -> None:
    home, *options = sys.argv[1:]
    settings = settings_of(Path(home), *map(json.loads, options))
    drive(settings, Ledger.open(settings.ledger_url), run_id="a run", seconds=60)


if __name__ == "__main__":
    main()
