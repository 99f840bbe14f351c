"""Run the whole graph on a throw-away home, and show what it did: `scripts/demo [--keep]`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_assets.ops.home import initialise_home
from sync_assets.settings import Settings, load_settings
from sync_assets.settings.loading import CONFIG_VARIABLE
from sync_assets.settings.models import ENVIRONMENT_PREFIX
from sync_assets_tests.demo import pixiv
from sync_assets_tests.support.media import write_media

MEDIA = (
    "Movies/Le Fabuleux Destin d'Amélie (2001)/Amélie.mkv",
    "Movies/Akira (1988)/Akira.mkv",
    "Movies/Akira (1988)/Akira.mp4",
    "Movies/100% Wolf #1?/100% Wolf + Extras & more.mkv",
    "Movies/千と千尋の神隠し (2001)/千と千尋の神隠し.mkv",
    "Shows/進撃の巨人/Season 1/進撃の巨人 - S01E01.mkv",
    "Shows/進撃の巨人/Season 1/進撃の巨人 - S01E02.mkv",
    "Shows/Frieren/[Group] Frieren - 01 (1080p) [ABCD1234].mkv",
    "Shows/Frieren/[Group] Frieren - 02 (1080p) [ABCD1234].mkv",
    "Shows/Frieren/" + "とても長い題名の" * 5 + ".mkv",
    'Movies/literal%2Fpercent:*<>|" \\ backslash.mkv',
    "Movies/ leading and trailing .mkv",
    "Movies/poster.jpg",
)
REMOVED = "Movies/千と千尋の神隠し (2001)/千と千尋の神隠し.mkv"
NUMBERS = ("listed", "created", "unchanged", "skipped", "deleted", "failed")

console = Console(highlight=False)


def main() -> int:
    """Run the demonstration; 0 when every step did what it should."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Sync a generated media folder into a .strm library, three times, and the "
        "bookmarks of a local stand-in of Pixiv, twice, in a throw-away home; show what happened.",
    )
    parser.add_argument("--keep", action="store_true", help="then open the UI on it, until Ctrl-C")
    arguments = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="sync-demo-"))
    try:
        settings = _configure(base)
        initialise_home(settings)
        mismatches = _run_steps(base, settings)
        mismatches += pixiv.run_pixiv(base, settings, console)
        _show_files(base / "library")
        if mismatches:
            console.print("\n[red]Not as expected:[/red]\n" + "\n".join(mismatches))
            return 1
        console.print("\n[green]Everything happened as it should.[/green]")
        if arguments.keep:
            return _open_ui()
        console.print("scripts/demo --keep opens the UI on it. README.md: your own media.")
        return 0
    finally:
        shutil.rmtree(base)


def _configure(base: Path) -> Settings:
    media = base / "media"
    write_media(media, list(MEDIA))
    configuration = base / "sync.toml"
    configuration.write_text(
        'home = "home"\n\n[strm.jobs.demo]\nsource = { path = "media" }\n'
        'output = "library"\nurl_template = "http://nas.lan:8000/media/{path}"\n' + pixiv.SETTINGS
    )
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        del os.environ[name]  # they win over the file, and name the user's own home and ledger
    os.environ[CONFIG_VARIABLE] = str(configuration)
    settings = load_settings()
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    console.print(f"A media folder with {len(MEDIA)} files, some with difficult names: {media}")
    return settings


def _change(media: Path) -> None:
    (media / REMOVED).unlink()
    write_media(media, ["Shows/Frieren/[Group] Frieren - 03 (1080p) [ABCD1234].mkv"])


STEPS = (
    ("new", lambda _: None, {"created": 12, "unchanged": 0, "deleted": 0, "failed": 0}),
    ("again", lambda _: None, {"created": 0, "unchanged": 12, "deleted": 0}),
    ("1 added, 1 gone", _change, {"created": 1, "unchanged": 11, "deleted": 1}),
)


def _run_steps(base: Path, settings: Settings) -> list[str]:
    """Run the job once per step; return what was not as expected."""
    table = Table(title="What strm_full did", box=SIMPLE, title_justify="left")
    table.add_column("run", no_wrap=True)
    for name in NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    mismatches = []
    for title, prepare, expected in STEPS:
        prepare(base / "media")
        console.print(f"Running the job strm_full: {title} …")
        _execute_job(base)
        numbers = _numbers(settings)
        table.add_row(title, *(str(numbers.get(name, 0)) for name in NUMBERS))
        mismatches += [
            f"{title}: {name} is {numbers.get(name)}, not {value}"
            for name, value in expected.items()
            if numbers.get(name) != value
        ]
    console.print(table)
    return mismatches


def _execute_job(base: Path) -> None:
    command = ["dagster", "job", "execute", "-m", "sync_assets.definitions", "-j", "strm_full"]
    program = Path(sys.executable).with_name(command[0])
    output = base / "output.txt"
    with output.open("wb") as file:
        done = subprocess.run(
            [program, *command[1:]], cwd=base, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode != 0:
        console.print(escape(output.read_text(errors="replace")[-4_000:]))
        raise SystemExit(f"The job failed with exit code {done.returncode}.")


def _numbers(settings: Settings) -> dict[str, int]:
    """Return what the last run did, from the JSON lines that every run writes."""
    numbers: dict[str, int] = {}
    for path in sorted((settings.home / "logs").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry.get("asset") == "strm/listing" and "seconds" in entry:
                numbers = {}
            if "seconds" in entry:
                failed = numbers.get("failed", 0) + entry.get("failed", 0)
                numbers |= {name: entry[name] for name in NUMBERS if name in entry}
                numbers["failed"] = failed
    return numbers


def _show_files(library: Path) -> None:
    table = Table(
        title="The library: each .strm file is one line that a player opens",
        box=SIMPLE,
        title_justify="left",
    )
    table.add_column("file", overflow="fold")
    table.add_column("points at", overflow="fold")
    for path in sorted(library.rglob("*.strm")):
        link = path.read_text(encoding="utf-8")
        target = unquote(link.partition("/media/")[2])
        table.add_row(escape(str(path.relative_to(library))), escape(f"…/{target}"))
    console.print(table)


def _open_ui() -> int:
    ports = ["--webserver-port", "0", "--server-port", "0"]
    command = [sys.executable, "-m", "sync_assets.commands.run", *ports]
    try:
        return subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
