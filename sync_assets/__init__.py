"""One person's media library, kept in sync by one Dagster asset graph."""
