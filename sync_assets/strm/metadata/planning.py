"""Compare the metadata files of a listing with a job's output: which of them have to be fetched.

A file that is not in the manifest, or does not hold any more what was written into it, is its
user's own and is never planned for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sync_assets.ledger.leases import Lease
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.settings.strm_metadata import MetadataPolicy
from sync_assets.strm.media_filter import MediaFilter
from sync_assets.strm.metadata.manifest import MetadataFile, MetadataManifest, microseconds
from sync_assets.strm.metadata.summary import MetadataReport
from sync_assets.strm.models import Entry, ListedDirectory, join
from sync_assets.strm.naming import MAXIMUM_NAME_BYTES
from sync_assets.strm.output.directory import OutputDirectory
from sync_assets.strm.output.folding import Places, indistinguishable
from sync_assets.strm.output.root import Output
from sync_assets.strm.sources import FileUnavailableError

_FILES_PER_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Fetch:
    """One file that is to be fetched.

    Attributes:
        directory: Its directory.
        remote: What the listing says of it.
        replaced_digest: Of what is in its place now; empty for nothing.
    """

    directory: str
    remote: Entry
    replaced_digest: str = ""

    @property
    def path(self) -> str:
        """Its path, in the source and in the output."""
        return join(self.directory, self.remote.name)

    def written(self, digest: str) -> MetadataFile:
        """Return what is remembered of it once it is in its place."""
        return MetadataFile(
            self.directory,
            self.remote.name,
            digest,
            self.replaced_digest,
            self.remote.size,
            microseconds(self.remote.modified_at),
        )


class MetadataFilter:
    """Which files of a listing are metadata of a job.

    Args:
        job: The job's settings.
    """

    def __init__(self, job: StrmJobSettings) -> None:
        self._media = MediaFilter(job)
        self._maximum_size = job.metadata.maximum_size_bytes
        self._matches = re.compile(
            rf"\.(?:{'|'.join(sorted(job.metadata.extensions))})\Z", re.IGNORECASE
        ).search

    def wanted(self, listed: ListedDirectory) -> tuple[list[Entry], int]:
        """Return the files that are metadata, and how many more there are that are too large."""
        if not self._media.has_metadata(listed.path):
            return [], 0
        found = [file for file in listed.files if self._matches(file.name)]
        wanted = [file for file in found if (file.size or 0) <= self._maximum_size]
        return wanted, len(found) - len(wanted)


class MetadataPlanner:
    """Finds what has to be fetched.

    Args:
        job: The job's settings.
        output: The job's output, open.
        manifest: What is remembered of its metadata files.
        lease: What keeps other runs away.
        places: Which of their names the output takes for one.
        report: Is told of the files that are not fetched.
        skip_existing: Leave every file that is there as it is, unless it is empty.
    """

    def __init__(  # noqa: PLR0913 - most are named
        self,
        job: StrmJobSettings,
        output: Output,
        manifest: MetadataManifest,
        lease: Lease,
        *,
        places: Places,
        report: MetadataReport,
        skip_existing: bool,
    ) -> None:
        self._filter = MetadataFilter(job)
        self._skips = skip_existing or job.metadata.policy is MetadataPolicy.SKIP_IF_PRESENT
        self._output = output
        self._manifest = manifest
        self._lease = lease
        self._places = places
        self._report = report
        self._renamed: list[MetadataFile] = []

    def batches(
        self, listing: Iterable[ListedDirectory]
    ) -> Iterator[list[tuple[str, list[Entry]]]]:
        """Return directories with the metadata files that are wanted of them, many at a time."""
        batch: list[tuple[str, list[Entry]]] = []
        files = 0
        for listed in listing:
            wanted, too_large = self._filter.wanted(listed)
            self._report.summary.too_large += too_large
            if not wanted:
                continue
            batch.append((listed.path, wanted))
            files += len(wanted)
            if files >= _FILES_PER_BATCH:
                yield batch
                batch, files = [], 0
        if batch:
            yield batch

    def plan(self, batch: list[tuple[str, list[Entry]]]) -> list[Fetch]:
        """Return what has to be fetched for some directories.

        Looking into a directory removes what an interrupted run has left there half-written, so
        that no file may be on its way meanwhile.

        Args:
            batch: What `batches` returned.

        Raises:
            OutputUnavailableError: The disk is full or read-only.
            LeaseLostError: Another run may have begun.
        """
        fetches = list(self._plan(batch))
        if self._renamed:
            self._lease.require()
            self._enter_renamed()
        return fetches

    def _plan(self, batch: list[tuple[str, list[Entry]]]) -> Iterator[Fetch]:
        aliases = {path: self._places.aliases(path) for path, _ in batch}
        paths = {each for path, known in aliases.items() for each in (path, *known)}
        remembered = self._manifest.remembered(sorted(paths))
        for path, files in batch:
            wanted = self._with_places(path, files)
            try:
                with self._output.directory(path, create=False) as directory:
                    existing = directory.names() if directory is not None else set()
                    known = self._known(path, wanted, aliases[path], remembered)
                    yield from self._plan_directory(path, wanted, directory, existing, known)
            except OSError as error:
                self._output.raise_if_unavailable(error)
                for remote in wanted:
                    self._report.fail(join(path, remote.name), error)

    def _with_places(self, path: str, files: list[Entry]) -> list[Entry]:
        """Return the files that have a place of their own in the output; the others fail."""
        holder = self._places.claim(path)
        if holder is not None:
            for file in files:
                self._report.fail(join(path, file.name), indistinguishable("folder", holder))
            return []
        taken: dict[str, Entry] = {}
        for file in sorted(files, key=lambda file: file.name):
            first = taken.setdefault(self._places.key(file.name), file)
            if first is not file:
                self._report.fail(join(path, file.name), indistinguishable("file", first.name))
        return list(taken.values())

    def _known(
        self,
        path: str,
        wanted: list[Entry],
        aliases: Iterable[str],
        remembered: Mapping[str, Mapping[str, MetadataFile]],
    ) -> dict[str, MetadataFile]:
        """Return what is remembered of files, also of those that only changed their case.

        These are entered under their new names whatever becomes of them now: under the old ones
        they look like files whose source is gone.
        """
        exact = remembered.get(path, {})
        alike = {
            self._places.key(name): file
            for alias in aliases
            for name, file in remembered.get(alias, {}).items()
        }
        known: dict[str, MetadataFile] = {}
        for file in wanted:
            one = exact.get(file.name) or alike.get(self._places.key(file.name))
            if one is None:
                continue
            if (one.directory, one.name) != (path, file.name):
                one = replace(one, directory=path, name=file.name)
                self._renamed.append(one)
            known[file.name] = one
        return known

    def _enter_renamed(self) -> None:
        self._manifest.enter(self._renamed)
        # One that a crash left between two contents stays so.
        self._manifest.settle([each for each in self._renamed if not each.replaced_digest])
        self._renamed.clear()

    def _plan_directory(
        self,
        path: str,
        wanted: list[Entry],
        directory: OutputDirectory | None,
        existing: set[str],
        known: Mapping[str, MetadataFile],
    ) -> Iterator[Fetch]:
        taken = self._places.existing(existing)
        for remote in wanted:
            if len(remote.name.encode()) > MAXIMUM_NAME_BYTES:
                self._report.fail(join(path, remote.name), _too_long(remote.name))
            elif directory is None or self._places.key(remote.name) not in taken:
                yield Fetch(path, remote)
            elif remote.size != 0 and directory.size(remote.name) == 0:
                # Nothing is lost with it: a crash of the machine leaves such files.
                yield Fetch(path, remote, directory.digest(remote.name) or "")
            else:
                fetch = self._compare(path, remote, directory, known.get(remote.name))
                if fetch is not None:
                    yield fetch

    def _compare(
        self, path: str, remote: Entry, directory: OutputDirectory, known: MetadataFile | None
    ) -> Fetch | None:
        """Return what replaces a file that is there; None where it stays."""
        if known is None:
            self._report.foreign(join(path, remote.name))
            return None
        if self._skips or known.is_copy_of(remote):
            self._report.summary.unchanged += 1
            return None
        digest = directory.digest(remote.name)
        if digest is not None and known.may_hold(digest):
            return Fetch(path, remote, digest)
        self._report.foreign(join(path, remote.name))
        return None


def _too_long(name: str) -> FileUnavailableError:
    return FileUnavailableError(
        f"its name has {len(name.encode())} bytes, more than a file system takes",
        remedy="Shorten the file's name in the source.",
    )
