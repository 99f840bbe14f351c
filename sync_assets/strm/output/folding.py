"""Outputs that cannot tell some names apart.

exFAT and SMB ignore case, APFS also how accents are composed.

There a file that only changed its case is still the same file, and two folders that differ in
nothing else are one. What a file system does is tried out, never guessed from its name.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import NamedTuple

from sync_assets.errors import SyncError
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import OwnedFile
from sync_assets.strm.output.directory import OutputDirectory
from sync_assets.strm.output.root import Output

_CASE_PROBE = ".strm-probe"
_UNICODE_PROBE = ".strm-prob\N{LATIN SMALL LETTER E WITH ACUTE}"


class Folding(NamedTuple):
    """Which differences between names an output ignores.

    Attributes:
        case: Whether `A` and `a` are one.
        unicode: Whether the composed and the decomposed form of a letter are one.
    """

    case: bool = False
    unicode: bool = False

    @property
    def is_any(self) -> bool:
        """Whether it ignores any difference."""
        return self.case or self.unicode

    def key(self, name: str) -> str:
        """Return what all names, or paths, have in common that are one for the output."""
        if self.unicode:
            name = unicodedata.normalize("NFC", name)
        # Not `casefold`, for which `ß` and `ss` are one: no file system goes that far.
        return name.lower() if self.case else name


def probe_folding(output: Output) -> Folding:
    """Try out which names an output takes for one.

    Args:
        output: The output, open.

    Raises:
        OutputUnavailableError: The disk is full or read-only.
        OSError: Nothing can be written into the root.
    """
    with output.directory("", create=False) as root:
        if root is None:
            return Folding()
        try:
            case = _finds(root, _CASE_PROBE, _CASE_PROBE.upper())
        except OSError as error:
            output.raise_if_unavailable(error)
            raise
        unicode = False
        # A file system that refuses the letter holds no name with an accent either.
        with suppress(OSError):
            unicode = _finds(root, _UNICODE_PROBE, unicodedata.normalize("NFD", _UNICODE_PROBE))
        return Folding(case, unicode)


def superseded(
    orphans: Sequence[OwnedFile], manifest: Manifest, folding: Folding
) -> set[OwnedFile]:
    """Find the orphans that are, for the output, the same file as one that is wanted.

    Args:
        orphans: Files that the source does not have any more.
        manifest: The job's manifest.
        folding: What the output ignores.

    Returns:
        Those that must not be deleted: another file has taken their place.
    """
    if not orphans or not folding.is_any:
        return set()
    gone: dict[str, list[OwnedFile]] = {}
    for orphan in orphans:
        gone.setdefault(folding.key(orphan.path), []).append(orphan)
    all_gone = set(orphans)
    directories = {folding.key(orphan.directory) for orphan in orphans}
    found: set[OwnedFile] = set()
    for kind in {orphan.kind for orphan in orphans}:
        of_kind = manifest.of_kind(kind)
        alike = [each for each in of_kind.directories() if folding.key(each) in directories]
        for directory, names in of_kind.names(alike).items():
            for file in (OwnedFile(directory, name, kind=kind) for name in names):
                if file not in all_gone:
                    found.update(gone.get(folding.key(file.path), ()))
    return found


class OwnedNames(NamedTuple):
    """The job's files in one directory of the output.

    Attributes:
        names: What the manifest calls them there.
        keys: What the output takes them for, whatever they and the directory were called before.
    """

    names: AbstractSet[str]
    keys: AbstractSet[str]


class Places:
    """Which folder of the source has which folder of the output, where several may want one.

    Args:
        folding: What the output ignores.
        manifest: The job's manifest.
    """

    def __init__(self, folding: Folding, manifest: Manifest) -> None:
        self._folding = folding
        self._manifest = manifest
        self._holders: dict[str, str] = {}
        self._aliases: dict[str, list[str]] = {}
        if folding.is_any:
            for directory in manifest.directories():
                self._aliases.setdefault(folding.key(directory), []).append(directory)

    def key(self, name: str) -> str:
        """Return what all names have in common that are one for the output."""
        return self._folding.key(name)

    def aliases(self, directory: str) -> list[str]:
        """Return what the manifest calls a directory, or several that are one for the output."""
        return self._aliases.get(self.key(directory), [directory])

    def owned(self, directories: Sequence[str]) -> dict[str, OwnedNames]:
        """Return the job's files in directories.

        Args:
            directories: The directories, relative to the output.
        """
        if not self._folding.is_any:
            return {
                directory: OwnedNames(names, names)
                for directory, names in self._manifest.names(directories).items()
            }
        aliases = {each: self.aliases(each) for each in directories}
        names = self._manifest.names([alias for each in aliases.values() for alias in each])
        return {
            directory: OwnedNames(
                names.get(directory, set()),
                {self.key(name) for alias in each for name in names.get(alias, ())},
            )
            for directory, each in aliases.items()
        }

    def existing(self, names: Iterable[str]) -> set[str]:
        """Return the keys of names."""
        return {self.key(name) for name in names} if self._folding.is_any else set(names)

    def claim(self, directory: str) -> str | None:
        """Claim the place of a directory; the first in the order of names has it.

        Args:
            directory: A directory of the source.

        Returns:
            The directory that has the place instead; None where this one has it.
        """
        if not self._folding.is_any:
            return None
        key = self.key(directory)
        holder = self._holders.setdefault(key, directory)
        if holder < directory:
            return holder
        self._holders[key] = directory
        return None


def _finds(root: OutputDirectory, name: str, other: str) -> bool:
    root.write(name, b"")
    try:
        return root.holds(other)
    finally:
        root.delete(name)


def indistinguishable(kind: str, holder: str) -> SyncError:
    """Return the error of something that has no place of its own in the output.

    Args:
        kind: What it is, "folder" or "file".
        holder: What has the place.
    """
    return SyncError(
        f"the output cannot tell this {kind} from {holder!r}",
        remedy=f"Rename one of the two {kind}s in the source; this one has nothing in the library.",
    )
