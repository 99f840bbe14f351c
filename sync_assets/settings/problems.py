"""Say what is wrong with a configuration: where, what was given, what is allowed, what to do.

Values are shown only where the field is known and holds no secret: a misspelt key may be the
misspelt name of a password.
"""

import difflib
import re
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, Tag, ValidationError
from pydantic_core import ErrorDetails

from sync_assets.errors import SyncError

_PASSWORD = re.compile(r"://[^/]*@")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the configuration.

    Attributes:
        path: The field's full path, such as `strm.jobs.movies.output`, or the variable's name.
        given: What stands there, or a description of it where it may be secret.
        allowed: What may stand there.
        remedy: What to do.
    """

    path: str
    given: str
    allowed: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: given {self.given}; allowed: {self.allowed}. {self.remedy}"


class ConfigurationError(SyncError):
    """The configuration cannot be used; every problem is listed."""

    def __init__(self, problems: Sequence[Problem], path: Path | None) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(
            f"The configuration ({path or 'no file, environment only'}) has "
            f"{len(problems)} problem(s):\n{lines}",
            remedy="Correct the fields above, then run scripts/config check.",
        )


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Turn pydantic's errors into problems with paths, values and remedies.

    Args:
        error: What validation raised.
        model: The model that was validated.

    Returns:
        One problem per error, in pydantic's order.
    """
    return [_problem(details, model) for details in error.errors(include_url=False)]


def nearest_name_hint(name: str, known: Iterable[str]) -> str:
    """Suggest the valid name nearest to an unknown one.

    Args:
        name: The unknown name.
        known: All valid names.

    Returns:
        A sentence that names the nearest one, or lists all where none is near.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."


def _problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    location = details["loc"]
    path = _path(location, model)
    if details["type"] == "extra_forbidden":
        parent = _annotation_at(model, location[:-1])
        known = parent.model_fields if _is_model(parent) else ()
        hint = nearest_name_hint(str(location[-1]), known)
        return Problem(path, "an unknown key", "a known one", hint)
    if details["type"] == "missing":
        field = f"{_description(model, location)}".strip()
        return Problem(path, "nothing", "a value", f"Add it. {field}".strip())
    return Problem(
        path,
        _shown(details["input"], _annotation_at(model, location)),
        details["msg"].removeprefix("Value error, "),
        _description(model, location) or "Correct the value.",
    )


def _path(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Join a location; the tags by which pydantic says which option it tried are no fields."""
    parts: list[str] = []
    annotation: Any = model
    for part in location:
        if _tagged_option(annotation, part) is None:
            parts.append(str(part))
        annotation = _step(annotation, part)
    return ".".join(parts) or "the whole file"


def _shown(value: Any, annotation: Any) -> str:
    plain = isinstance(value, str | int | float | bool) and not _PASSWORD.search(str(value))
    if annotation is None or not plain or _may_hold_secret(annotation):
        return f"a {type(value).__name__} (not shown)"
    return masked(repr(value))


def masked(text: str) -> str:
    """Hide the user and password of every address in a text."""
    return re.sub(r"(?<=://)[^/@\s]+@", "…@", text)


def _may_hold_secret(annotation: Any) -> bool:
    if annotation is SecretStr:
        return True
    if _is_model(annotation):
        return any(_may_hold_secret(field.annotation) for field in annotation.model_fields.values())
    return any(_may_hold_secret(argument) for argument in get_args(annotation))


def _description(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    parent = _annotation_at(model, location[:-1]) if location else None
    if _is_model(parent) and location[-1] in parent.model_fields:
        return parent.model_fields[str(location[-1])].description or ""
    return ""


def _annotation_at(annotation: Any, location: Sequence[int | str]) -> Any:
    """Follow a location through models, mappings, lists and unions; None where it ends."""
    for part in location:
        annotation = _step(annotation, part)
        if annotation is None:
            return None
    return annotation


def _step(annotation: Any, part: int | str) -> Any:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        tagged = _tagged_option(annotation, part)
        if tagged is not None:
            return tagged
        inner = (_step(option, part) for option in get_args(annotation))
        return next((found for found in inner if found is not None), None)
    if _is_model(annotation):
        field = annotation.model_fields.get(str(part))
        return field.annotation if field else None
    if isinstance(origin, type) and issubclass(origin, dict):
        return get_args(annotation)[1]
    if isinstance(origin, type) and issubclass(origin, list | tuple | set | frozenset):
        return get_args(annotation)[0]
    return None


def _tagged_option(annotation: Any, part: int | str) -> Any:
    """Return the option of a union that carries a tag; None where there is none."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    for option in get_args(annotation):
        if get_origin(option) is Annotated:
            inner, *metadata = get_args(option)
            if Tag(str(part)) in metadata:
                return inner
    return None


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
