"""Make a job's output agree with a listing: write what is missing or differs, and nothing else.

Deleting is not done here: see `deleting`.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sync_assets.errors import ItemFailure, SyncError
from sync_assets.settings.strm import StrmJobSettings
from sync_assets.strm.explaining import explained
from sync_assets.strm.links import LinkBuilder, UnlinkableNameError
from sync_assets.strm.manifest import Manifest
from sync_assets.strm.media_filter import MediaFilter
from sync_assets.strm.models import (
    Change,
    ListedDirectory,
    Outcome,
    OwnedFile,
    TreeSummary,
    digest_of,
    join,
)
from sync_assets.strm.output.directory import OutputDirectory
from sync_assets.strm.output.folding import OwnedNames, Places, indistinguishable, probe_folding
from sync_assets.strm.output.root import Output

_FILES_PER_BATCH = 2_000
_NOTHING = OwnedNames(frozenset(), frozenset())
_UTF8_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGER = 32
"""How much longer than ours a file may be that says the same: a mark, a line feed, another end of
its signature."""


class _Target(NamedTuple):
    """One `.strm` file as it should be."""

    name: str
    media_name: str
    content: bytes


@dataclass(slots=True)
class _Plan:
    """What one directory of the output needs."""

    directory: str
    source_directory: str
    writes: list[tuple[_Target, Outcome]] = field(default_factory=list)
    adopted: list[OwnedFile] = field(default_factory=list)

    def files(self) -> Iterator[OwnedFile]:
        """Return the files that become the job's own."""
        yield from self.adopted
        for target, _ in self.writes:
            yield OwnedFile(self.directory, target.name, digest_of(target.content))


class TreeWriter:
    """Writes one job's output.

    Args:
        job: The job's settings.
        output: Its output, open.
        manifest: Its manifest.
        skip_existing: Leave every file that is there as it is, unless it is empty or torn.
        links: Builds its links.
        record: Called with every change and failure.
        progress: Called after every batch.
    """

    def __init__(  # noqa: PLR0913 - the optional ones are named
        self,
        job: StrmJobSettings,
        output: Output,
        manifest: Manifest,
        *,
        skip_existing: bool = False,
        links: LinkBuilder,
        record: Callable[[Change], None],
        progress: Callable[[TreeSummary], None] = lambda _: None,
    ) -> None:
        self._media = MediaFilter(job)
        self._links = links
        self._now = time.time()
        self._replace_foreign = job.replace_foreign
        self._output = output
        self._manifest = manifest
        self._places = Places(probe_folding(output), manifest)
        self._skip_existing = skip_existing
        self._record = record
        self._progress = progress
        self._batch: list[ListedDirectory] = []
        self._batch_files = 0
        self.summary = TreeSummary()

    def write(self, listing: Iterable[ListedDirectory]) -> TreeSummary:
        """Write what a whole listing asks for; see `add` and `finish`.

        Args:
            listing: The directories of the source.

        Returns:
            What was done.
        """
        for directory in listing:
            self.add(directory)
        return self.finish()

    def add(self, listed: ListedDirectory) -> None:
        """Write what a directory asks for, now or with those that follow.

        The manifest is asked and told once for many files, which is why directories wait.

        Args:
            listed: A directory of the source. One that is not complete still has its known
                files written.

        Raises:
            OutputUnavailableError: The disk is full or read-only; what was written stays.
        """
        self._batch.append(listed)
        self._batch_files += len(listed.files)
        if self._batch_files >= _FILES_PER_BATCH or len(self._batch) >= _FILES_PER_BATCH:
            self._write_batch()

    def finish(self) -> TreeSummary:
        """Write what still waits.

        Returns:
            What was done for all directories.

        Raises:
            OutputUnavailableError: The disk is full or read-only; what was written stays.
        """
        self._write_batch()
        return self.summary

    def _write_batch(self) -> None:
        batch, self._batch, self._batch_files = self._batch, [], 0
        places = [self._media.output_directory(directory.path) for directory in batch]
        owned = self._places.owned(places)
        plans = [
            plan
            for directory, place in zip(batch, places, strict=True)
            if (plan := self._plan(directory, place, owned.get(place, _NOTHING))) is not None
        ]
        self._manifest.enter(file for plan in plans for file in plan.files())
        for plan in plans:
            self._apply(plan)
        self._progress(self.summary)

    def _plan(self, listed: ListedDirectory, place: str, owned: OwnedNames) -> _Plan | None:
        """Compare a directory with the output; None where nothing has to be done."""
        media_names = self._media.names(listed)
        self.summary.skipped += len(listed.files) - len(media_names)
        if not media_names:
            return None
        if (holder := self._places.claim(listed.path)) is not None:
            self._fail_all(listed.path, media_names, indistinguishable("folder", holder))
            return None
        plan = _Plan(place, listed.path)
        try:
            with self._output.directory(place, create=False) as directory:
                names = directory.names() if directory is not None else set()
                existing = self._places.existing(names)
                for target in self._targets(listed, media_names):
                    key = self._places.key(target.name)
                    # What is the job's own under an old name is not there under its new one.
                    is_renamed = key in owned.keys and target.name not in owned.names
                    if directory is None or key not in existing:
                        plan.writes.append((target, Outcome.CREATED))
                    elif self._skip_existing and not (is_renamed or _is_torn(directory, target)):
                        self.summary.unchanged += 1
                    else:
                        self._compare(plan, directory, target, owned)
        except OSError as error:
            self._fail_directory(listed.path, media_names, error)
            return None
        return plan if plan.writes or plan.adopted else None

    def _targets(self, listed: ListedDirectory, media_names: Iterable[str]) -> Iterator[_Target]:
        path = listed.path
        signs = {file.name: file.sign for file in listed.files if file.sign is not None}
        link = self._links.for_directory(path, signs)
        unreadable = self._media.unreadable_names(listed)
        for name, media_name in self._media.strm_names(path, [*media_names, *unreadable]).items():
            if media_name in unreadable:
                continue
            try:
                yield _Target(name, media_name, link(media_name))
            except UnlinkableNameError as error:
                self._fail(path, name, media_name, error)

    def _compare(
        self, plan: _Plan, directory: OutputDirectory, target: _Target, owned: OwnedNames
    ) -> None:
        present = directory.read(target.name, len(target.content) + _LONGER)
        if present is not None and self._links.is_current(
            _line(present), target.content, now=self._now
        ):
            self.summary.unchanged += 1
            if target.name not in owned.names:
                digest = digest_of(present)
                plan.adopted.append(OwnedFile(plan.directory, target.name, digest))
        elif self._places.key(target.name) in owned.keys or present == b"" or self._replace_foreign:
            plan.writes.append((target, Outcome.UPDATED))
        else:
            self.summary.foreign += 1
            self._report(plan, target, Outcome.FOREIGN)

    def _apply(self, plan: _Plan) -> None:
        if not plan.writes:
            return
        try:
            with self._output.directory(plan.directory, create=True) as directory:
                if directory is not None:
                    for target, outcome in plan.writes:
                        self._write(directory, plan, target, outcome)
        except OSError as error:
            self._fail_directory(
                plan.source_directory, [target.media_name for target, _ in plan.writes], error
            )

    def _write(
        self, directory: OutputDirectory, plan: _Plan, target: _Target, outcome: Outcome
    ) -> None:
        try:
            directory.write(target.name, target.content)
        except OSError as error:
            self._output.raise_if_unavailable(error)
            self._fail(plan.source_directory, target.name, target.media_name, error)
            return
        if outcome is Outcome.CREATED:
            self.summary.created += 1
        else:
            self.summary.updated += 1
        self._report(plan, target, outcome)

    def _report(self, plan: _Plan, target: _Target, outcome: Outcome) -> None:
        source_path = join(plan.source_directory, target.media_name)
        self._record(Change(join(plan.directory, target.name), source_path, outcome))

    def _fail(self, path: str, name: str, media_name: str, error: SyncError | OSError) -> None:
        message, remedy = explained(error)
        output_path = join(self._media.output_directory(path), name)
        self.summary.failures.append(ItemFailure(output_path, message, remedy))
        self._record(Change(output_path, join(path, media_name), Outcome.FAILED, message))

    def _fail_directory(self, path: str, media_names: Iterable[str], error: OSError) -> None:
        self._output.raise_if_unavailable(error)
        self._fail_all(path, media_names, error)

    def _fail_all(self, path: str, media_names: Iterable[str], error: SyncError | OSError) -> None:
        for name, media_name in self._media.strm_names(path, media_names).items():
            self._fail(path, name, media_name, error)


def _is_torn(directory: OutputDirectory, target: _Target) -> bool:
    """Tell whether a file holds only the beginning of what it should, or nothing."""
    size = directory.size(target.name)
    if size is None or size >= len(target.content):
        return False
    return target.content.startswith(directory.read(target.name, size) or b"")


def _line(content: bytes) -> bytes:
    """Return what a player reads: a byte order mark and a line feed at the end do not count."""
    return content.removeprefix(_UTF8_BYTE_ORDER_MARK).rstrip(b"\r\n")
