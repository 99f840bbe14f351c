"""Run the whole graph on a throw-away home, and show what it did: `scripts/demo [--keep]`."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from sync_assets.ops.home import initialise_home
from sync_assets.settings import Settings, load_settings
from sync_assets.settings.loading import CONFIG_VARIABLE
from sync_assets.settings.models import ENVIRONMENT_PREFIX
from sync_assets_tests.demo import pixiv, relay, strm, trakt_bangumi, watchlist
from sync_assets_tests.demo.stage import Part, Stage

PARTS: tuple[Part, ...] = (strm, pixiv, relay, watchlist, trakt_bangumi)


def main() -> int:
    """Run the demonstration; 0 when every step did what it should."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Run every domain against stand-ins of what lies on the internet, in a "
        "throw-away home, and show what happened.",
    )
    parser.add_argument("--keep", action="store_true", help="then open the UI on it, until Ctrl-C")
    arguments = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="sync-demo-"))
    try:
        with ExitStack() as stand_ins:
            sections = [stand_ins.enter_context(part.prepared(base)) for part in PARTS]
            stage = Stage(base, _configured(base, "\n".join(sections)))
            for part in PARTS:
                part.show(stage)
            if stage.mismatches:
                stage.say("\n[red]Not as expected:[/red]\n" + "\n".join(stage.mismatches))
                return 1
            stage.say("\n[green]Everything happened as it should.[/green]")
            if arguments.keep:
                return _open_ui()
            stage.say("scripts/demo --keep opens the UI on it. README.md: your own library.")
            return 0
    finally:
        shutil.rmtree(base)


def _configured(base: Path, sections: str) -> Settings:
    configuration = base / "sync.toml"
    configuration.write_text(f'home = "home"\n\n{sections}', encoding="utf-8")
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # they win over the file, and name the user's own home and ledger
    os.environ[CONFIG_VARIABLE] = str(configuration)
    settings = load_settings()
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    initialise_home(settings)
    return settings


def _open_ui() -> int:
    ports = ["--webserver-port", "0", "--server-port", "0"]
    command = [sys.executable, "-m", "sync_assets.commands.run", *ports]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
