"""Create the ledger's schema, or bring it up to date, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine

from sync_assets.errors import SyncError


def upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction; several processes may call it at once.

    Args:
        engine: The ledger's engine.

    Raises:
        SyncError: A migration is missing or does not run.
    """
    try:
        with engine.begin() as connection:
            configuration = alembic_configuration()
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
    except CommandError as error:
        raise SyncError(
            f"The ledger's schema cannot be brought up to date: {error}.",
            remedy="Reinstall this version, or restore the ledger from a backup.",
        ) from error


def alembic_configuration() -> Config:
    """Return Alembic's configuration for this package's migrations."""
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return configuration
