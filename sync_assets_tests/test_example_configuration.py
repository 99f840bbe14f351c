"""The example configuration documents every field, and is valid with or without its comments."""

import fnmatch
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from sync_assets.settings import Settings, load_settings
from sync_assets.settings.strm_sources import LocalSourceSettings

EXAMPLE = Path(__file__).parents[1] / "sync.example.toml"


def uncommented() -> str:
    return re.sub(r"^#(?=\S)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def field_paths(annotation: Any, path: str) -> Iterator[str]:
    """Walk through models, and through whatever holds models, such as mappings and unions."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from field_paths(field.annotation, f"{path}.{name}".lstrip("."))
        return
    inner = [found for part in get_args(annotation) for found in field_paths(part, "")]
    held = [found for found in inner if found]
    joint = "." if "Union" in str(type(annotation)) else ".*."
    yield from (f"{path}{joint}{found}".lstrip(".") for found in held) if held else [path]


def value_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from value_paths(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, item in enumerate(value):
            yield from value_paths(item, f"{path}.{index}")
    else:
        yield path


def test_every_field_of_the_settings_is_in_the_example():
    shown = list(value_paths(tomllib.loads(uncommented())))
    expected = set(field_paths(Settings, ""))
    assert "strm.jobs.*.source.path" in expected
    # A mapping whose keys are the user's own is shown by its entries.
    shown += [path.rpartition(".")[0] for path in shown]
    assert {path for path in expected if not fnmatch.filter(shown, path)} == set()


def test_the_example_is_valid_as_it_stands_and_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "sync.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    assert load_settings().model_fields_set == set()


def test_the_example_is_valid_when_everything_is_uncommented(tmp_path, monkeypatch):
    (tmp_path / "sync.toml").write_text(uncommented(), encoding="utf-8")
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    jobs = load_settings().strm.jobs
    assert jobs["movies"].source == LocalSourceSettings(path=Path("/mnt/media/movies"))
    assert [job.source.type for job in jobs.values()] == ["local", "openlist", "openlist", "webdav"]
