"""Folders that are still there, but have lost everything: a drive that went away looks like this.

Of a drive that is mounted below a source, or of a storage behind OpenList, an empty folder remains
that can be listed without any error. So does a folder that its owner emptied; nothing but time or
a word of the owner tells them apart.
"""

from collections import Counter
from collections.abc import Container, Sequence

from sync_assets.strm.events.routing import ancestors, is_within
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.models import OwnedFile


def emptied_folders(
    orphans: Sequence[OwnedFile], manifest: Manifest, listed: Container[str], *, at_least: int
) -> list[str]:
    """Find the topmost folders of a source that lost all their files at once.

    Args:
        orphans: The files whose media are gone.
        manifest: The job's manifest.
        listed: The folders that are still there.
        at_least: With fewer files than this, a folder is not suspicious.

    Returns:
        The folders, in order; never the source's root, for which other rules hold.
    """
    lost: Counter[str] = Counter()
    for orphan in orphans:
        lost.update(each for each in (orphan.directory, *ancestors(orphan.directory)) if each)
    found: list[str] = []
    for folder in sorted(folder for folder, files in lost.items() if files >= at_least):
        is_inside = any(is_within(folder, above) for above in found)
        if folder in listed and not is_inside and manifest.count(folder) == lost[folder]:
            found.append(folder)
    return found
