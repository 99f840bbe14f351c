"""One person's media library, kept in sync by one Dagster asset graph."""

__version__ = "0.1.0"
