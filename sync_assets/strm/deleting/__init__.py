"""Which files have no media any more, and whether they may be deleted."""
