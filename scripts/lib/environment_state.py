"""What `environment.sh` asks on every start; standard library only, to answer in milliseconds.

Prints two lines: a stamp that changes when the environment must be installed anew, and Dagster's
home. Writes that home into `.env` too, where Dagster's own commands look for it.
"""

import os
import sys
import tomllib
import zlib
from pathlib import Path


def stamp() -> str:
    """Identify what the environment was made from; scripts in it hold its path."""
    content = b"".join(Path(name).read_bytes() for name in ("constraints.txt", "pyproject.toml"))
    version = ".".join(str(part) for part in sys.version_info[:3])
    return f"{zlib.crc32(content):08x}-{len(content)} Python {version} {Path.cwd()}"


def dagster_home() -> Path:
    """Find Dagster's home as `sync_assets.settings` does, without importing it.

    A configuration that cannot be read counts as empty here; the program itself reports it.
    """
    configuration = Path(os.environ.get("SYNC_CONFIG") or "sync.toml").expanduser().absolute()
    try:
        content = tomllib.loads(configuration.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = {}
    home = os.environ.get("SYNC_HOME") or content.get("home") or "var"
    return Path(configuration.parent, Path(str(home)).expanduser(), "dagster")


def write_dotenv(home: Path) -> None:
    """Keep the line `DAGSTER_HOME` of `.env` right, and whatever else the user has there.

    A home that only this call's environment names, as a demonstration's or a test's, does not
    replace the checkout's own: Dagster believes the file more than its environment.
    """
    path = Path(".env")
    wanted = f"DAGSTER_HOME='{home}'"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if not line.startswith("DAGSTER_HOME=")]
    is_passing = bool(os.environ.get("SYNC_CONFIG") or os.environ.get("SYNC_HOME"))
    if wanted in lines or (is_passing and kept != lines):
        return
    partial = Path(f".env.{os.getpid()}")
    partial.write_text("\n".join([*kept, wanted, ""]), encoding="utf-8")
    partial.chmod(path.stat().st_mode if path.exists() else 0o600)
    partial.replace(path)


if __name__ == "__main__":
    write_dotenv(dagster_home())
    print(stamp())
    print(dagster_home())
