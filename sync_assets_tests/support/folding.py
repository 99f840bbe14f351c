"""A file system that ignores case and the composition of letters, as exFAT, SMB and APFS do.

Below `Output`: each name that it uses is looked up among those that are there, so that an existing
file keeps the name by which it was made.
"""

import os
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from sync_assets.strm.output import root as output
from sync_assets.strm.output.directory import OutputDirectory
from sync_assets.strm.output.new_file import NewFile

_METHODS = ("size", "read", "digest", "write", "delete", "remove_directory", "_mode")


def fold_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every output a folding one, for the rest of a test."""
    for method in _METHODS:
        monkeypatch.setattr(OutputDirectory, method, _resolving(getattr(OutputDirectory, method)))
    monkeypatch.setattr(NewFile, "place", _placing(NewFile.place))
    open_child = output._open_child

    def open_folded(descriptor: int, name: str, *, create: bool) -> int | None:
        return open_child(descriptor, _actual(descriptor, name), create=create)

    monkeypatch.setattr(output, "_open_child", open_folded)


def _resolving(method: Callable[..., Any]) -> Callable[..., Any]:
    def resolved(self: OutputDirectory, name: str, *arguments: Any) -> Any:
        return method(self, _actual(self._descriptor, name), *arguments)

    return resolved


def _placing(place: Callable[..., Any]) -> Callable[..., Any]:
    def placed(self: NewFile, name: str, **options: Any) -> Any:
        return place(self, _actual(self.directory._descriptor, name), **options)

    return placed


def _actual(descriptor: int, name: str) -> str:
    alike = (each for each in os.listdir(descriptor) if _folded(each) == _folded(name))
    return next(alike, name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()
