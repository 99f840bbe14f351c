"""What the STRM domain talks about: entries, listings, outcomes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sync_assets.errors import ItemFailure


class EntryKind(StrEnum):
    """What an entry of a source's directory is."""

    FILE = "file"
    DIRECTORY = "directory"
    UNREADABLE = "unreadable"


class ListingStatus(StrEnum):
    """Whether a directory's listing can be trusted to hold everything.

    `UNPROVEN`: nothing is wrong with it, but what it lacks may still be there.
    """

    COMPLETE = "complete"
    UNPROVEN = "unproven"
    FAILED = "failed"
    TRUNCATED = "truncated"


class Outcome(StrEnum):
    """What happened to one `.strm` file."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FOREIGN = "foreign"
    FAILED = "failed"


class FileKind(StrEnum):
    """What an owned file of an output is; each kind has its own rule of when it is an orphan."""

    STRM = "strm"
    METADATA = "metadata"


class Decision(StrEnum):
    """What happened to an orphan; an edited one is the user's own now, and stays."""

    DELETED = "deleted"
    WAITING = "waiting"
    PROPOSED = "proposed"
    EDITED = "edited"
    FAILED = "failed"


class Entry(NamedTuple):
    """One entry of a source's directory. A tuple: there are a million of them.

    Attributes:
        name: Its name, without any path.
        kind: What it is. `UNREADABLE`: it is there, but nothing more is known.
        size: Bytes; None for anything but a file.
        modified_at: Seconds since the epoch; None where the source does not know.
        error: Why it is unreadable.
        sign: What the source's own links need to be accepted, where they need it.
    """

    name: str
    kind: EntryKind
    size: int | None = None
    modified_at: float | None = None
    error: str | None = None
    sign: str | None = None


@dataclass(slots=True)
class ListedDirectory:
    """What one directory of a source held when it was listed.

    Attributes:
        path: Relative to the source, segments joined by `/`; empty for the root.
        status: Whether `files` can be trusted to be all.
        error: Why the listing is not complete.
        files: The files.
        unreadable: Names that are there, but of which nothing more is known.
    """

    path: str
    status: ListingStatus
    error: str | None = None
    files: list[Entry] = field(default_factory=list)
    unreadable: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class ListingSummary:
    """The numbers of one scan.

    Attributes:
        directories: Directories listed completely, or as far as anybody can tell.
        files: Files in them.
        bytes: Their total size.
        failures: What could not be listed; its subtree is protected from deletion.
        truncated: Directories below the deepest level that is listed; protected as well.
    """

    directories: int = 0
    files: int = 0
    bytes: int = 0
    failures: list[ItemFailure] = field(default_factory=list)
    truncated: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TreeSummary:
    """The numbers of one pass of writing.

    Attributes:
        created: New `.strm` files.
        updated: Files whose link changed.
        unchanged: Files left exactly as they were.
        skipped: Files of the source that the filters leave out.
        foreign: Files that another program wrote, left alone.
        failures: Items that did not work.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    foreign: int = 0
    failures: list[ItemFailure] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many `.strm` files the pass was about."""
        return self.created + self.updated + self.unchanged + self.foreign + len(self.failures)


class Change(NamedTuple):
    """What happened to one `.strm` file, where that is worth telling.

    Attributes:
        path: Relative to the output.
        source_path: The media file, relative to the source.
        outcome: What happened.
        error: What went wrong, for a failure.
    """

    path: str
    source_path: str
    outcome: Outcome
    error: str | None = None


class OwnedFile(NamedTuple):
    """A file that this project wrote.

    Attributes:
        directory: Its directory, relative to the job's output.
        name: Its name.
        digest: Of what was written into it; empty where that is not known.
        kind: What it is.
    """

    directory: str
    name: str
    digest: str = ""
    kind: FileKind = FileKind.STRM

    @property
    def path(self) -> str:
        """Its path relative to the job's output."""
        return f"{self.directory}/{self.name}" if self.directory else self.name


@dataclass(frozen=True)
class DeletionPlan:
    """What a run found to be orphaned, and whether it may delete it.

    Attributes:
        plan_id: A digest of the job and of what is held back, or else of all orphans: the same
            files have the same id in every run.
        orphans: Files whose media are gone, in order of path.
        superseded: Entries of the manifest whose file has another name now, for an output that
            takes both names for one; they are struck out, and nothing is deleted.
        held: Those of the orphans that are not deleted without approval.
        free_counts: How many of the others count against limits, by kind.
        protected: How many files are kept because their part of the source was not listed whole.
        owned_by_kind: How many files the job has, without those that are superseded.
        refusal: Why files are held back; None where none are.
        is_whole: Whether the listing was complete everywhere.
    """

    plan_id: str
    orphans: Sequence[OwnedFile]
    superseded: Sequence[OwnedFile]
    held: Sequence[OwnedFile]
    free_counts: Mapping[FileKind, int]
    protected: int
    owned_by_kind: Mapping[FileKind, int]
    refusal: str | None
    is_whole: bool

    @property
    def owned(self) -> int:
        """How many files the job has, of all kinds."""
        return sum(self.owned_by_kind.values())

    @property
    def free(self) -> Sequence[OwnedFile]:
        """The orphans that may be deleted without approval."""
        held = set(self.held)
        return [orphan for orphan in self.orphans if orphan not in held]

    @property
    def deletes_everything(self) -> bool:
        """Whether no `.strm` file of the job would be left, whatever lies beside them."""
        kinds = (FileKind.STRM,) if self.owned_by_kind[FileKind.STRM] else tuple(FileKind)
        leaving = sum(orphan.kind in kinds for orphan in self.orphans)
        return leaving >= sum(self.owned_by_kind[kind] for kind in kinds)


def join(directory: str, name: str) -> str:
    """Join a relative directory, empty for the root, and a name."""
    return f"{directory}/{name}" if directory else name


def digest_of(content: bytes) -> str:
    """Return the digest by which a file's content is known again."""
    digest = new_digest()
    digest.update(content)
    return digest.hexdigest()


def new_digest() -> "hashlib.blake2b":
    """Begin a digest of content that comes in pieces; see `digest_of`."""
    return hashlib.blake2b(digest_size=8)
