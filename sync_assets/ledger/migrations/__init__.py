"""Alembic's migrations of the ledger; `ledger.migrate` runs them."""
