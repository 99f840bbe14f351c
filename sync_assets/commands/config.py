"""`scripts/config check`: what is configured, what is off, what is wrong and how to mend it."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.table import Table

from sync_assets.commands.entry import run_command
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ops.folders import configured_folders, folder_problem
from sync_assets.ops.tools import TOOLS, tool_path, tool_version
from sync_assets.settings import ConfigurationError, Problem, Settings, load_settings
from sync_assets.settings.loading import configuration_path
from sync_assets.settings.problems import masked

# Every installation has these; each other section is a domain, which is off without settings.
_COMMON_SECTIONS = frozenset({"ledger", "lake", "server", "dagster", "tools", "retention"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the configuration and print what was found.

    Args:
        arguments: Those of the command line, unless given.

    Returns:
        0, or 1 where something is wrong.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/config",
        description="Checks sync.toml and the SYNC_… variables, the folders they name and the "
        "programs that are needed. Secrets are never shown. Ends with code 1 on any problem.",
    )
    parser.add_argument("action", choices=["check"])
    parser.parse_args(arguments)
    # A pipe or a log has no width to fit into, and folded paths cannot be searched for.
    console = Console(width=None if sys.stdout.isatty() else 1_000, highlight=False, markup=False)
    path = configuration_path()
    console.print(f"Configuration: {path or 'no sync.toml; defaults and environment'}")
    try:
        settings = load_settings()
    except ConfigurationError as error:
        _print_problems(console, error.problems)
        return 1
    console.print(_sections(settings))
    console.print(_values(settings))
    problems = _print_tools(console, settings)
    problems += [
        problem
        for folder in configured_folders(settings)
        if (problem := folder_problem(folder)) is not None
    ]
    ledger_problem = _ledger_problem(settings)
    problems += [ledger_problem] if ledger_problem else []
    _print_problems(console, problems)
    return 1 if problems else 0


def _sections(settings: Settings) -> Table:
    table = _table("Sections", "section", "state")
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        if not isinstance(section, BaseModel):
            continue
        unset = "defaults" if name in _COMMON_SECTIONS else "off: nothing is configured"
        table.add_row(name, "configured" if section.model_fields_set else unset)
    return table


def _values(settings: Settings) -> Table:
    table = _table("Values that are set", "field", "value")
    for path, value in _set_values(settings, ""):
        table.add_row(path, value)
    if not table.row_count:
        table.add_row("none", "everything has its default")
    return table


def _set_values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name in value.model_fields_set:
                yield from _set_values(getattr(value, name), f"{path}.{name}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _set_values(item, f"{path}.{key}")
    elif isinstance(value, list | tuple) and any(isinstance(item, BaseModel) for item in value):
        for index, item in enumerate(value):
            yield from _set_values(item, f"{path}.{index}")
    else:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return "set (secret)"
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(_shown(item) for item in value))
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return masked(str(value))


def _ledger_problem(settings: Settings) -> Problem | None:
    """Find out whether the ledger can be used, without making one."""
    ledger = Ledger(settings.ledger_url)
    try:
        if ledger.url.get_backend_name() != "sqlite" or Path(ledger.name).exists():
            ledger.require_known_revision()
    except SyncError as error:
        return Problem("ledger.url", error.message, "a usable ledger", error.remedy)
    finally:
        ledger.close()
    return None


def _print_tools(console: Console, settings: Settings) -> list[Problem]:
    table, problems = _table("Programs", "program", "version", "path"), []
    for name in TOOLS:
        try:
            path = tool_path(settings, name)
        except SyncError as error:
            problems.append(Problem(f"tools.{name}", error.message, "a program", error.remedy))
        else:
            table.add_row(name, tool_version(name, path), str(path))
    console.print(table)
    return problems


def _print_problems(console: Console, problems: Sequence[Problem]) -> None:
    if not problems:
        console.print("No problem found.")
        return
    table = _table(f"{len(problems)} problem(s)", "field", "given", "allowed", "what to do")
    for problem in problems:
        table.add_row(problem.path, problem.given, problem.allowed, problem.remedy)
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


if __name__ == "__main__":
    run_command(main)
