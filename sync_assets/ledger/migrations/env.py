"""Alembic's entry point: run the migrations on the connection that `ledger.migrate` opened."""

from alembic import context

from sync_assets.ledger import inbox  # noqa: F401 - binds its lifecycle to the metadata
from sync_assets.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a column by rebuilding its table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
