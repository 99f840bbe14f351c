"""A worker as a program, to be killed: `python -m sync_assets_tests.relay.killed_worker HOME`."""

import sys
from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.relay.worker import drive
from sync_assets.settings import Settings


def settings_of(home: Path) -> Settings:
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
            },
        }
    )


def main() -> None:
    settings = settings_of(Path(sys.argv[1]))
    drive(settings, Ledger.open(settings.ledger_url), run_id="a run", seconds=60)


if __name__ == "__main__":
    main()
