"""JSON lines that several processes write together, without secrets, and stages with durations.

Plain `logging.getLogger(__name__)` is all that other modules need: below `sync_assets` it reaches
the JSON lines (`configure_logging`) and, inside a Dagster run, the run's own log (`dagster.yaml`
lists this package under `managed_python_loggers`). Dagster is not imported here.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from sync_assets.settings import Settings

PACKAGE = "sync_assets"

_fields: ContextVar[Mapping[str, Any]] = ContextVar("log_fields", default=MappingProxyType({}))


def configure_logging(settings: Settings) -> None:
    """Write what this package logs to `<home>/logs/<UTC date>.jsonl`; again changes nothing.

    Args:
        settings: Where the home is, and which secrets must not appear.
    """
    logger = logging.getLogger(PACKAGE)
    directory = settings.home / "logs"
    for handler in list(logger.handlers):
        if isinstance(handler, JsonLinesHandler):
            logger.removeHandler(handler)
    logger.addHandler(JsonLinesHandler(directory, redactor(settings)))
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)


@contextmanager
def stage(context_or_logger: Any, name: str, **fields: Any) -> Generator[dict[str, Any]]:
    """Log the start and the end of a piece of work, with its duration.

    Everything logged inside carries the stage's name and fields as well.

    Args:
        context_or_logger: A Dagster execution context, which gives asset, partition and run id,
            or a logger below `sync_assets`.
        name: What is being done: `download`, `render`, …
        **fields: More to say about it; values that JSON knows.

    Yields:
        A dictionary; what is put into it is logged at the end.
    """
    is_logger = isinstance(context_or_logger, logging.Logger)
    logger = context_or_logger if is_logger else logging.getLogger(f"{PACKAGE}.stage")
    about = {} if is_logger else _origin(context_or_logger)
    label = f"{name} {fields['partition']}" if "partition" in fields else name
    result: dict[str, Any] = {}
    token = _fields.set({**_fields.get(), **about, "stage": name, **fields})
    started = time.monotonic()
    try:
        logger.info("%s: started", label)
        yield result
    except BaseException as error:
        seconds = round(time.monotonic() - started, 3)
        logger.error(  # noqa: TRY400 - the traceback is logged once, by whoever handles the error
            "%s: failed after %.1f s: %s",
            label,
            seconds,
            error,
            extra={"fields": {**result, "seconds": seconds, "error": type(error).__name__}},
        )
        raise
    else:
        seconds = round(time.monotonic() - started, 3)
        logger.info(
            "%s: done in %.1f s%s",
            label,
            seconds,
            "".join(f", {key} {value}" for key, value in result.items()),
            extra={"fields": {**result, "seconds": seconds}},
        )
    finally:
        _fields.reset(token)


def redactor(settings: Settings) -> Callable[[str], str]:
    """Make a function that removes the configured secrets from a text.

    Args:
        settings: The configuration whose `SecretStr` values are secrets.

    Returns:
        A function that puts `[secret]` in the place of each.
    """
    # Longest first: one secret may be the beginning of another. Very short ones would turn the
    # log into holes and are not worth guarding.
    plain = {value for value in _secrets(settings) if len(value) >= 6}
    plain |= set(_password_forms(settings.ledger_url))
    # Lines of JSON hold them escaped.
    escaped = {json.dumps(value, ensure_ascii=False)[1:-1] for value in plain}
    secrets = sorted(plain | escaped, key=len, reverse=True)

    def redact(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "[secret]")
        return text

    return redact


class JsonLinesHandler(logging.Handler):
    """Appends each record as one line of JSON to the file of the day.

    Args:
        directory: Where the files are; made when the first record comes.
        redact: Applied to each line.
    """

    def __init__(self, directory: Path, redact: Callable[[str], str] = str) -> None:
        super().__init__()
        self._directory = directory
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record; a log that cannot be written must not stop the work."""
        try:
            self._append(record)
        except (OSError, ValueError, TypeError):
            self.handleError(record)

    def _append(self, record: logging.LogRecord) -> None:
        moment = datetime.fromtimestamp(record.created, UTC)
        line = json.dumps(self._content(record, moment), ensure_ascii=False, default=str)
        data = (self._redact(line) + "\n").encode(errors="backslashreplace")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{moment:%Y-%m-%d}.jsonl"
        # One write in append mode is not split by those of other processes. The file is opened
        # each time, so that removing it or the turn of the day need no signal.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _content(self, record: logging.LogRecord, moment: datetime) -> dict[str, Any]:
        # Dagster's own handler, where it ran before this one, has put the run's names before the
        # message; it keeps the original beside it.
        dagster_meta = getattr(record, "dagster_meta", None)
        original = dagster_meta.get("orig_message") if isinstance(dagster_meta, dict) else None
        content = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": original or record.getMessage(),
            "process": record.process,
            **_fields.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            content["traceback"] = logging.Formatter().formatException(record.exc_info)
        return content


def _origin(context: Any) -> dict[str, Any]:
    """Read asset, partition and run id from a Dagster context, as far as it has them."""
    origin: dict[str, Any] = {"run_id": context.run.run_id}
    if getattr(context, "has_assets_def", False):
        keys = sorted(key.to_user_string() for key in context.selected_asset_keys)
        origin["asset"] = keys[0] if len(keys) == 1 else keys
    if context.has_partition_key:
        origin["partition"] = context.partition_key
    elif context.has_partition_key_range:
        first, last = context.partition_key_range
        origin["partition"] = f"{first}...{last}"
    return origin


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _secrets(item)


def _password_forms(url: str) -> Iterator[str]:
    """Return the password of an address, as it is and as it stands in the address."""
    encoded = urlsplit(url).password
    if encoded:
        yield encoded
        yield unquote(encoded)
