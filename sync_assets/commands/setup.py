"""`scripts/setup`: what is left to prepare once the Python environment is there."""

import argparse

from sync_assets.commands.entry import run_command
from sync_assets.ops.home import initialise_home
from sync_assets.settings import load_settings


def main() -> int:
    """Initialise the home."""
    argparse.ArgumentParser(
        prog="scripts/setup",
        description="Prepares this checkout: the Python environment in .venv, the variable "
        "DAGSTER_HOME in .env, and the home with Dagster's storage. The other scripts do the same "
        "on their first start; running it again changes nothing.",
    ).parse_args()
    settings = load_settings()
    initialise_home(settings)
    print(f"Ready. Home: {settings.home}")
    return 0


if __name__ == "__main__":
    run_command(main)
