"""The programs behind `scripts/`: each reads its arguments and calls what the package offers."""
