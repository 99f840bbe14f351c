"""The configuration of metadata files: what comes along beside the `.strm` files of a job."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.strm_extensions import Extension

# fmt: off
METADATA_EXTENSIONS = frozenset({
    "ass", "gif", "idx", "jpeg", "jpg", "lrc", "nfo", "png", "smi", "srt", "ssa", "sub", "sup",
    "tbn", "vtt", "webp",
})
# fmt: on


class MetadataMode(StrEnum):
    """Where metadata files are read from, if at all."""

    NONE = "none"
    COPY = "copy"
    DOWNLOAD = "download"


class MetadataPolicy(StrEnum):
    """What happens to a metadata file that the library has already."""

    SKIP_IF_PRESENT = "skip_if_present"
    UPDATE = "update"


class MetadataSettings(Section):
    """The nfo files, images and subtitles of a job."""

    mode: MetadataMode = Field(
        default=MetadataMode.NONE,
        description="none: leave them where they are. copy: read them from a folder of this "
        "machine, and from the server where that fails. download: read them from the server.",
    )
    path: AnchoredPath | None = Field(
        default=None,
        description="For mode copy: where the source is mounted on this machine. A source of type "
        "local needs none.",
    )
    policy: MetadataPolicy = Field(
        default=MetadataPolicy.SKIP_IF_PRESENT,
        description="skip_if_present: a file that the library has stays as it is. update: it is "
        "replaced when the source's size or time is not what it was when it was copied.",
    )
    extensions: frozenset[Extension] = Field(
        default=METADATA_EXTENSIONS, min_length=1, description="Which files are metadata."
    )
    maximum_size_bytes: int = Field(
        default=67_108_864, ge=0, description="Larger files are left out."
    )
    connections: int = Field(
        default=4, ge=1, le=32, description="How many files are read at the same time."
    )
    timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        description="How long reading from the mounted folder may stand still.",
    )

    @model_validator(mode="after")
    def _strm_is_no_metadata(self) -> Self:
        if "strm" in self.extensions:
            message = "extensions must not hold 'strm': such a file would replace a generated one"
            raise ValueError(message)
        return self
