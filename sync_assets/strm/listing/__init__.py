"""Walking a source, and the listing that a walk leaves in the lake."""
