"""Add a rule to the user's file: at its end, with every other byte as it was."""

import json
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from sync_assets.bangumi.matching.overrides import (
    OverrideRule,
    Overrides,
    OverridesError,
    parse_overrides,
)

_LOCK_SECONDS = 10.0
_ATTEMPTS = 3
_NEW_FILE_MODE = 0o644
_HEADER = (
    "# Your own rules for the matching; docs/matching.md describes them. Share it as you like.\n"
)


class _ChangedMeanwhileError(Exception):
    """Somebody saved the file after it was read."""


def add_rule(path: Path, lock_path: Path, rule: OverrideRule) -> None:
    """Add a rule; one that is there already is left as it is.

    The file is replaced in one step. Programs of ours wait for each other; where an editor saves
    the file meanwhile, the rule is added to what it saved.

    Args:
        path: The file; it is made where there is none. Of a link the target is written.
        lock_path: A file that all who add rules lock.
        rule: The rule.

    Raises:
        OverridesError: The file cannot be read or written, or something in it is wrong already.
    """
    try:
        with FileLock(lock_path, timeout=_LOCK_SECONDS):
            for _ in range(_ATTEMPTS):
                try:
                    _add(path.resolve(), rule)
                except _ChangedMeanwhileError:
                    continue
                return
    except Timeout:
        message = f"Another program keeps {path} locked."
        raise OverridesError(message, remedy="Try again when it has ended.") from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise OverridesError(
            message, remedy="Check its owner and mode, and the free space of its disk."
        ) from error
    message = f"{path} changes all the time."
    raise OverridesError(message, remedy="Close the program that writes it, then try again.")


def _add(path: Path, rule: OverrideRule) -> None:
    read = _read(path)
    text = read.decode() if read is not None else _HEADER
    if rule in parse_overrides(text, path).rules:
        return
    end = "" if not text or text.endswith("\n") else "\n"
    added = f"{text}{end}\n{as_toml(rule)}"
    _require_readable(added, path, rule)
    _replace(path, read, added.encode())


def as_toml(rule: OverrideRule) -> str:
    """Return a rule as users write it.

    Args:
        rule: The rule.
    """
    fields = rule.model_dump(mode="json", exclude_defaults=True)
    # JSON's texts, numbers and booleans are TOML's; it leaves DEL as it is, which TOML forbids.
    lines = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007F")
        for name, value in fields.items()
    ]
    return "\n".join(["[[rule]]", *lines, ""])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _require_unchanged(path: Path, read: bytes | None) -> None:
    if _read(path) != read:
        raise _ChangedMeanwhileError


def _require_readable(text: str, path: Path, rule: OverrideRule) -> None:
    """A table can be added to tables only, not to a list that is written in another way."""
    try:
        rules: Overrides | None = parse_overrides(text, path)
    except OverridesError:
        rules = None
    if rules is None or rule not in rules.rules:
        message = f"{path} takes no further rule as it is written."
        raise OverridesError(message, remedy="Write each of its rules as a table, [[rule]].")


def _replace(path: Path, read: bytes | None, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if read is None:
            temporary.chmod(_NEW_FILE_MODE)
        else:
            shutil.copymode(path, temporary)
        _require_unchanged(path, read)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
