"""How much may be deleted without approval, counted by kind of file.

One film has many metadata files. Counted as one, they would make a few films look like a disaster
in one library, and hide a disaster among the films of another.
"""

from collections.abc import Collection, Iterable, Mapping

from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import FileKind, OwnedFile
from sync_assets.strm.naming import SUFFIX


def counted(orphans: Iterable[OwnedFile], manifest: Manifest) -> dict[FileKind, int]:
    """Count what the limits are about.

    Args:
        orphans: The files that are to be deleted.
        manifest: The job's manifest, of its `.strm` files.

    Returns:
        How many they are by kind. Metadata files that leave with their media count nothing: those
        of a folder that keeps no media, and those that are named like media that leave.
    """
    found = list(orphans)
    leaving: dict[str, set[str]] = {}
    for orphan in found:
        if orphan.kind is FileKind.STRM:
            leaving.setdefault(orphan.directory, set()).add(orphan.name)
    kept = {
        directory
        for directory, names in manifest.names(sorted(leaving)).items()
        if not names <= leaving[directory]
    }
    return {
        FileKind.STRM: sum(len(names) for names in leaving.values()),
        FileKind.METADATA: sum(
            orphan.kind is FileKind.METADATA
            and not (orphan.directory in leaving and orphan.directory not in kept)
            and not _is_named_like(orphan.name, leaving.get(orphan.directory, ()))
            for orphan in found
        ),
    }


def _is_named_like(name: str, strm_names: Collection[str]) -> bool:
    """Tell whether a file is called `Film.nfo` or `Film-poster.jpg`, and there is a `Film.strm`."""
    # Every beginning of the name is looked up, so that many media cost nothing.
    return any(
        name[:end] + SUFFIX in strm_names for end, character in enumerate(name) if character in ".-"
    )


def refusal_of(
    counts: Mapping[FileKind, int], owned: Mapping[FileKind, int], limits: DeletionSettings
) -> str | None:
    """Hold both kinds against the limits: media among media, metadata files among all files.

    Args:
        counts: How many files are to be deleted, as `counted` returns them.
        owned: How many files the job has, by kind.
        limits: The job's limits.

    Returns:
        Why so many may not be deleted without approval; None where they may be.
    """
    media = _refusal(counts[FileKind.STRM], owned[FileKind.STRM], limits)
    return media or _refusal(counts[FileKind.METADATA], sum(owned.values()), limits)


def _refusal(orphans: int, owned: int, limits: DeletionSettings) -> str | None:
    if orphans == 0:
        return None
    if orphans >= owned:
        return f"it would delete every file of the job ({owned})"
    if orphans > limits.maximum_count:
        return f"{orphans} files are more than deletion.maximum_count ({limits.maximum_count})"
    if orphans > limits.always_allowed_count and orphans > limits.maximum_ratio * owned:
        return (
            f"{orphans} of {owned} files are more than deletion.maximum_ratio "
            f"({limits.maximum_ratio:.0%})"
        )
    return None
