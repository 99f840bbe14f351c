"""Create the ledger's schema, or bring it up to date, with Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, text

from sync_assets.errors import SyncError

_MIGRATION_LOCK = 7_392_052


def upgrade(engine: Engine) -> None:
    """Run the missing migrations in one transaction; several processes may call it at once.

    Args:
        engine: The ledger's engine.

    Raises:
        SyncError: A migration is missing or does not run.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
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
