"""What every part of the demonstration uses: run a job, read what it did, print, compare."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_assets.settings import Settings


class Part(Protocol):
    """One domain's part: a module with these two functions."""

    def prepared(self, base: Path) -> AbstractContextManager[str]:
        """Start the stand-ins; the context's value is the part of `sync.toml`."""
        ...

    def show(self, stage: "Stage") -> None:
        """Run the domain's jobs and print what they did."""
        ...


class Stage:
    """The throw-away home in which everything happens.

    Args:
        base: The folder of the demonstration; the configuration is there.
        settings: The configuration.

    Attributes:
        mismatches: What was not as expected.
    """

    def __init__(self, base: Path, settings: Settings) -> None:
        self.base = base
        self.settings = settings
        self.mismatches: list[str] = []
        self._console = Console(highlight=False)
        self._lines_seen = 0

    def say(self, text: str) -> None:
        """Print a line; it may have markup."""
        self._console.print(text)

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; columns of numbers are aligned to the right."""
        table = Table(title=title, box=SIMPLE, title_justify="left")
        for number, heading in enumerate(headings):
            are_numbers = all(isinstance(row[number], int | float) for row in rows)
            justify = "right" if are_numbers else "left"
            table.add_column(heading, justify=justify, no_wrap=are_numbers, overflow="fold")
        for row in rows:
            table.add_row(*(escape(str(value)) for value in row))
        self._console.print(table)

    def run_job(self, job: str, title: str) -> list[Mapping[str, Any]]:
        """Run a job as a user does from the shell.

        Args:
            job: The Dagster job.
            title: What for.

        Returns:
            What its steps logged at their ends: asset, partition and numbers.
        """
        self.say(f"Running the job {job}: {title} …")
        dagster = Path(sys.executable).with_name("dagster")
        output = self.base / "output.txt"
        with output.open("wb") as file:
            done = subprocess.run(
                [dagster, "job", "execute", "-m", "sync_assets.definitions", "-j", job],
                cwd=self.base,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            self.say(escape(output.read_text(errors="replace")[-4_000:]))
            raise SystemExit(f"The job failed with exit code {done.returncode}.")
        return self._new_ends_of_steps()

    def expect(self, title: str, got: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Note where numbers are not what they should be."""
        self.mismatches += [
            f"{title}: {name} is {got.get(name)}, not {value}"
            for name, value in wanted.items()
            if got.get(name) != value
        ]

    def _new_ends_of_steps(self) -> list[Mapping[str, Any]]:
        paths = sorted((self.settings.home / "logs").glob("*.jsonl"))
        lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
        new = [json.loads(line) for line in lines[self._lines_seen :]]
        self._lines_seen = len(lines)
        return [entry for entry in new if "seconds" in entry and "asset" in entry]
