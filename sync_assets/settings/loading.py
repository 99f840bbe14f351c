"""Find and read the configuration."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sync_assets.settings.models import ENVIRONMENT_DELIMITER, ENVIRONMENT_PREFIX, Settings
from sync_assets.settings.problems import (
    ConfigurationError,
    Problem,
    nearest_name_hint,
    problems_of,
)
from sync_assets.settings.section import BASE_DIRECTORY

FILE_NAME = "sync.toml"
CONFIG_VARIABLE = "SYNC_CONFIG"
RESERVED_VARIABLES = frozenset({CONFIG_VARIABLE, "SYNC_SECRET_KEY"})


def configuration_path(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where the configuration file is, or None where there is none.

    Args:
        environment: Variables to look in instead of the process's own.

    Returns:
        The absolute path that `SYNC_CONFIG` names, else `sync.toml` of the working directory
        where it exists, else None.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    default = Path.cwd() / FILE_NAME
    return default if default.exists() else None


def load_settings() -> Settings:
    """Read the configuration from its file and the environment.

    The environment wins, field by field: `SYNC_<SECTION>__<FIELD>`.

    Returns:
        The validated configuration.

    Raises:
        ConfigurationError: The file cannot be read, or a field is wrong or unknown. All
            problems are reported at once.
    """
    path = configuration_path()
    content = _read(path) if path else {}
    problems = _unknown_variables(os.environ)
    token = BASE_DIRECTORY.set(path.parent if path else Path.cwd())
    try:
        settings = Settings(**content)
    except ValidationError as error:
        problems += problems_of(error, Settings)
    finally:
        BASE_DIRECTORY.reset(token)
    if problems:
        raise ConfigurationError(problems, path)
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = Problem(
            CONFIG_VARIABLE, str(path), "an existing file", "Copy sync.example.toml there."
        )
    except OSError as error:
        problem = Problem(
            str(path), error.strerror or str(error), "a readable file", "Check its owner and mode."
        )
    except UnicodeDecodeError as error:
        problem = Problem(
            str(path), f"byte {error.start} is not UTF-8", "UTF-8 text", "Save the file as UTF-8."
        )
    except tomllib.TOMLDecodeError as error:
        problem = Problem(
            str(path), str(error), "TOML", "Mend the line; strings need quotes, tables [brackets]."
        )
    raise ConfigurationError([problem], path)


def _unknown_variables(environment: Mapping[str, str]) -> list[Problem]:
    """Report `SYNC_…` variables that set nothing: a misspelt one must not be ignored."""
    problems = []
    for variable in sorted(environment):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in RESERVED_VARIABLES:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        section, _, rest = name.partition(ENVIRONMENT_DELIMITER)
        field = Settings.model_fields.get(section)
        known = list(Settings.model_fields)
        if field is not None:
            nested = rest.partition(ENVIRONMENT_DELIMITER)[0]
            annotation = field.annotation
            if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
                continue
            known = [f"{section}{ENVIRONMENT_DELIMITER}{key}" for key in annotation.model_fields]
            if not rest or nested in annotation.model_fields:
                continue
        names = [f"{ENVIRONMENT_PREFIX}{key}".upper() for key in known]
        problems.append(
            Problem(
                variable, "an unknown variable", "a known one", nearest_name_hint(variable, names)
            )
        )
    return problems
