"""The Pixiv part of the demonstration: a local stand-in of Pixiv and the real gallery-dl."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_assets.settings import Settings
from sync_assets_tests.benchmarks.pixiv import running_stand_in
from sync_assets_tests.upstreams.pixiv.server import REFRESH_TOKEN, USER_ID

WORKS, ANIMATIONS = 40, 2
SETTINGS = f"""
[pixiv]
download_directory = "pictures"
sleep_request = 0

[pixiv.accounts.demo]
user_id = {USER_ID}
refresh_token = "{REFRESH_TOKEN}"
"""
STAGES = ("bookmarks", "files", "animations")
EXPECTED = (
    ("new", {"bookmarks": WORKS + ANIMATIONS, "files": WORKS + ANIMATIONS, "animations": 2}),
    ("again", {"bookmarks": 0, "files": 0, "animations": 0}),
)


@contextmanager
def stand_in(base: Path) -> Generator[None]:
    """Lead every process that this one starts to a stand-in of Pixiv: never to Pixiv itself.

    Args:
        base: The demonstration's directory.
    """
    arguments = ("--pictures", "--ugoira", str(ANIMATIONS))
    with running_stand_in(base, WORKS, *arguments) as (_, environment):
        os.environ.update(environment)
        yield


def run_pixiv(base: Path, settings: Settings, console: Console) -> list[str]:
    """Run the job twice inside `stand_in`; return what was not as expected.

    Args:
        base: The demonstration's directory.
        settings: Its configuration, which holds `SETTINGS`.
        console: Where to say what happens.
    """
    table = Table(title="What pixiv_sync did", box=SIMPLE, title_justify="left")
    table.add_column("run", no_wrap=True)
    for name in STAGES:
        table.add_column(f"{name} added", justify="right", no_wrap=True)
    mismatches = []
    for title, expected in EXPECTED:
        console.print(f"Running the job pixiv_sync: {title} …")
        _execute_job(base, console)
        added = _added(settings)
        table.add_row(title, *(str(added.get(name)) for name in STAGES))
        mismatches += [
            f"pixiv {title}: {name} is {added.get(name)}, not {value}"
            for name, value in expected.items()
            if added.get(name) != value
        ]
    console.print(table)
    pictures = sorted(path for path in (base / "pictures").rglob("*") if path.is_file())
    console.print(f"{len(pictures)} files, such as {escape(str(pictures[0].relative_to(base)))}")
    return mismatches


def _execute_job(base: Path, console: Console) -> None:
    shutil.rmtree(base / "home" / "logs", ignore_errors=True)
    command = ["dagster", "job", "execute", "-m", "sync_assets.definitions", "-j", "pixiv_sync"]
    output = base / "pixiv-output.txt"
    with output.open("wb") as file:
        done = subprocess.run(
            [Path(sys.executable).with_name(command[0]), *command[1:]],
            cwd=base,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        console.print(escape(output.read_text(errors="replace")[-4_000:]))
        raise SystemExit(f"The job failed with exit code {done.returncode}.")


def _added(settings: Settings) -> dict[str, int]:
    """Return what each stage of the last run added, from the JSON lines that runs write."""
    added = {}
    for path in sorted((settings.home / "logs").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            domain, _, stage = str(entry.get("asset", "")).partition("/")
            if domain == "pixiv" and "seconds" in entry:
                added[stage] = int(entry.get("added", 0))
    return added
