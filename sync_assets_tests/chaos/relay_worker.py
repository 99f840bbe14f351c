"""A worker as a program, to be killed: `… relay_worker SETTINGS.json`."""

import sys
from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.relay.worker import drive
from sync_assets.settings import Settings


def main() -> None:
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text())
    drive(settings, Ledger.open(settings.ledger_url), run_id="a run", seconds=600)


if __name__ == "__main__":
    main()
