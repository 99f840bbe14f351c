"""The configuration of the STRM domain: which media become which library."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    Field,
    HttpUrl,
    SecretStr,
    model_validator,
)

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.strm_deletion import DeletionSettings
from sync_assets.settings.strm_extensions import Extension
from sync_assets.settings.strm_links import LinkMode, UrlTemplate
from sync_assets.settings.strm_metadata import MetadataMode, MetadataSettings
from sync_assets.settings.strm_sources import (
    LocalSourceSettings,
    OpenListSourceSettings,
    SourceSettings,
)
from sync_assets.settings.times import Cron, TimeZone

# fmt: off
VIDEO_EXTENSIONS = frozenset({
    "3gp", "asf", "avi", "flv", "iso", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts",
    "ogm", "ogv", "rm", "rmvb", "ts", "vob", "webm", "wmv",
})
# fmt: on

HIDDEN_AND_SYSTEM = (
    r"(^|/)(\.[^/]*|@eaDir|#recycle|@Recycle|\$RECYCLE\.BIN|lost\+found|System Volume Information)$"
)

JOB_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class DiscMode(StrEnum):
    """What becomes of copied discs."""

    LARGEST = "largest"
    ALL = "all"
    SKIP = "skip"


def _valid_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"is not a regular expression: {error}"
        raise ValueError(message) from None
    return pattern


def _valid_event_root(path: str) -> str:
    segments = path.split("/")[1:]
    if not path.startswith("/") or not {"", ".", ".."}.isdisjoint(segments):
        message = (
            "must be an absolute path such as '/115/films', without '..' and without '/' at its end"
        )
        raise ValueError(message)
    return path


class StrmJobSettings(Section):
    """One source folder that becomes one tree of `.strm` files."""

    source: SourceSettings = Field(description="Where the media are.")
    output: AnchoredPath = Field(description="The folder that receives the .strm files.")
    mode: LinkMode = Field(
        default=LinkMode.URL,
        description="url: a link made from url_template, or OpenList's own. path: the file's "
        "absolute path, which Jellyfin 10.11.7 and later refuse to play.",
    )
    url_template: UrlTemplate | None = Field(
        default=None,
        description="The address of a file; {path} is its percent-encoded path in the source. "
        "Without it, files of OpenList get OpenList's own address.",
    )
    extensions: frozenset[Extension] = Field(
        default=VIDEO_EXTENSIONS, min_length=1, description="Which files are media."
    )
    minimum_size_bytes: int = Field(
        default=0, ge=0, description="Smaller files are left out, such as samples."
    )
    exclude: tuple[Annotated[str, AfterValidator(_valid_pattern)], ...] = Field(
        default=(HIDDEN_AND_SYSTEM,),
        description="Regular expressions; what matches a path in the source is left out, folders "
        "with all they hold. The default leaves out hidden files and what NAS systems add.",
    )
    bdmv: DiscMode = Field(
        default=DiscMode.LARGEST,
        description="What becomes of a copied Blu-ray. largest: one file of its largest stream, "
        "beside its BDMV folder. skip: nothing. all: one file per stream. A DVD (VIDEO_TS) is "
        "left out except by all.",
    )
    maximum_depth: int = Field(
        default=25, ge=0, le=100, description="Levels of folders below the source that are listed."
    )
    resume_scan_within_hours: float = Field(
        default=6,
        ge=0,
        le=168,
        description="A scan that was interrupted goes on where it stopped if it began at most so "
        "many hours ago; 0 always begins anew.",
    )
    event_root: Annotated[str, AfterValidator(_valid_event_root)] | None = Field(
        default=None,
        description="Where the source is in the paths of storage events, such as '/115/films'. "
        "Without it: the path of the source.",
    )
    replace_foreign: bool = Field(
        default=False,
        description="Overwrite .strm files in the output that another program wrote.",
    )
    deletion: DeletionSettings = DeletionSettings()
    metadata: MetadataSettings = MetadataSettings()

    @property
    def event_path(self) -> str:
        """Where the source is in the paths of storage events."""
        return self.event_root or self.source_path

    @property
    def source_path(self) -> str:
        """Where the source is on its own drive; `/` where it has no path of its own."""
        return str(getattr(self.source, "path", "/"))

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if self.mode is LinkMode.PATH and not isinstance(self.source, LocalSourceSettings):
            message = "mode 'path' needs a source of type 'local'"
            raise ValueError(message)
        has_links = isinstance(self.source, OpenListSourceSettings)
        if self.mode is LinkMode.URL and self.url_template is None and not has_links:
            message = "mode 'url' needs url_template, such as 'http://nas.lan:8000/media/{path}'"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _metadata_can_be_read(self) -> Self:
        is_local = isinstance(self.source, LocalSourceSettings)
        if self.metadata.mode is MetadataMode.DOWNLOAD and is_local:
            message = "metadata.mode 'download' needs a source behind a server; use 'copy'"
            raise ValueError(message)
        if self.metadata.mode is MetadataMode.COPY and not is_local and self.metadata.path is None:
            message = "metadata.mode 'copy' needs metadata.path, where the source is mounted"
            raise ValueError(message)
        both = sorted(self.extensions & self.metadata.extensions)
        if self.metadata.mode is not MetadataMode.NONE and both:
            message = f"{', '.join(both)}: in extensions and in metadata.extensions"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _source_and_output_are_apart(self) -> Self:
        if isinstance(self.source, LocalSourceSettings) and _overlap(self.source.path, self.output):
            message = f"source ({self.source.path}) and output ({self.output}) overlap"
            raise ValueError(message)
        return self


class MediaServerSettings(Section):
    """A Jellyfin or Emby server that is told of changed files."""

    base_url: HttpUrl = Field(
        description="Jellyfin: http://jellyfin.lan:8096, Emby: http://emby.lan:8096/emby."
    )
    api_key: SecretStr = Field(description="An API key from the server's dashboard.")
    paths: dict[str, str] = Field(
        default_factory=dict,
        description="Where the server finds folders of this machine, if elsewhere: "
        "{'/srv/library' = '/media'}.",
    )
    timeout_seconds: float = Field(default=30, gt=0, description="How long to wait for it.")


class StrmSettings(Section):
    """All STRM jobs, and when they run."""

    schedule: Cron = Field(
        default="0 4 * * *", description="Cron expression of the full scan of every job."
    )
    timezone: TimeZone = Field(default="UTC", description="IANA name of the schedule's time zone.")
    media_servers: dict[str, MediaServerSettings] = Field(
        default_factory=dict, description="One table per server that is told after each run."
    )
    jobs: dict[str, StrmJobSettings] = Field(
        default_factory=dict, description="One table per job; its name is the Dagster partition."
    )

    @model_validator(mode="after")
    def _jobs_are_named_and_apart(self) -> Self:
        for name in self.jobs:
            if not JOB_NAME.fullmatch(name):
                message = (
                    f"job name {name!r} must be lower-case letters, digits, '-' and '_', "
                    "at most 63 characters"
                )
                raise ValueError(message)
        names = sorted(self.jobs)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                if _overlap(self.jobs[name].output, self.jobs[other].output):
                    message = f"the outputs of jobs {name!r} and {other!r} overlap"
                    raise ValueError(message)
        return self


def _overlap(first: Path, second: Path) -> bool:
    """Tell whether one directory is the other, or lies inside it, symbolic links resolved."""
    first, second = first.resolve(), second.resolve()
    return first.is_relative_to(second) or second.is_relative_to(first)
