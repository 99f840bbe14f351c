"""A worker as a program, to be killed: it reads the configuration that `SYNC_CONFIG` names."""

from sync_assets.ledger import Ledger
from sync_assets.logs import configure_logging
from sync_assets.relay.worker import drive
from sync_assets.settings import load_settings


def main() -> None:
    settings = load_settings()
    configure_logging(settings)
    drive(settings, Ledger.open(settings.ledger_url), run_id="a run", seconds=600)


if __name__ == "__main__":
    main()
