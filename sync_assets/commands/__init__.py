"""The commands behind `scripts/`: each reads its arguments and calls the domains' code."""
