"""Find the programs that transfers use: configured ones, else those installed with this project."""

import re
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import aria2c

from sync_assets.errors import SyncError
from sync_assets.settings import Settings

ToolName = Literal["aria2c", "rclone", "gallery_dl"]

_SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True)
class Tool:
    """A program and the oldest version of it that this project works with.

    Attributes:
        installed: Where it is when the configuration names none.
        version_argument: What makes it print its version.
        oldest: The oldest version.
    """

    installed: Path
    version_argument: str
    oldest: tuple[int, ...]


TOOLS: Mapping[ToolName, Tool] = {
    # The binary itself: the script of the wheel is a Python process in front of it.
    "aria2c": Tool(Path(aria2c.ARIA2C), "--version", (1, 36)),
    "rclone": Tool(_SCRIPTS / "rclone", "version", (1, 72)),
    "gallery_dl": Tool(_SCRIPTS / "gallery-dl", "--version", (1, 30)),
}


def tool_path(settings: Settings, name: ToolName) -> Path:
    """Find a program and make sure that it can be used.

    Args:
        settings: May name another than the installed one, in `tools`.
        name: Which program.

    Returns:
        Its path.

    Raises:
        SyncError: It is missing, cannot be executed, or is too old.
    """
    path: Path = getattr(settings.tools, name) or TOOLS[name].installed
    tool_version(name, path)
    return path


@lru_cache
def tool_version(name: ToolName, path: Path) -> str:
    """Ask a program for its version; each is asked once in the life of a process.

    Args:
        name: Which program.
        path: Where it is.

    Returns:
        The version, such as `1.37.0`.

    Raises:
        SyncError: It is missing, cannot be executed, or is too old.
    """
    tool = TOOLS[name]
    remedy = (
        "Run scripts/setup, which installs it."
        if path == tool.installed
        else f"Correct tools.{name}, or remove it to use the one that came with this project."
    )
    try:
        outcome = subprocess.run(
            [path, tool.version_argument],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or "no answer within 30 s"
        message = f"{name} ({path}) cannot be executed: {reason}."
        raise SyncError(message, remedy=remedy) from error
    match = re.search(r"\d+(\.\d+)+", outcome.stdout)
    if outcome.returncode != 0 or match is None:
        message = f"{path} does not answer `{tool.version_argument}` as {name} does."
        raise SyncError(message, remedy=remedy)
    if tuple(int(part) for part in match[0].split(".")) < tool.oldest:
        oldest = ".".join(str(part) for part in tool.oldest)
        message = f"{name} ({path}) is version {match[0]}; at least {oldest} is needed."
        raise SyncError(message, remedy=remedy)
    return match[0]
