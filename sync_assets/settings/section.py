"""The base class of every section of the configuration, and the types its fields share."""

from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

BASE_DIRECTORY: ContextVar[Path | None] = ContextVar("base_directory", default=None)
"""The directory that relative paths count from while a configuration is being read."""


class Section(BaseModel):
    """A table of `sync.toml`: immutable, and strict about unknown keys."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )


def _anchored(path: Path) -> Path:
    return Path(BASE_DIRECTORY.get() or Path.cwd(), path.expanduser())


AnchoredPath = Annotated[Path, AfterValidator(_anchored)]
"""A path; relative ones count from the directory of `sync.toml`, `~` is expanded."""
