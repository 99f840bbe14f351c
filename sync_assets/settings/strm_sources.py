"""The configuration of the STRM domain's sources: where the media of a job are."""

from collections.abc import Mapping
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    HttpUrl,
    SecretStr,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from sync_assets.settings.section import AnchoredPath, Section

ENTRY_POINTS = "sync_assets.strm_sources"
"""The group of entry points by which other packages add types of sources."""

_BUILT_IN = ("local", "openlist", "webdav")


def _valid_base_url(url: str) -> str:
    try:
        TypeAdapter(HttpUrl).validate_python(url)
    except ValidationError:
        message = "must be an absolute http or https address, such as 'http://nas.lan:5244'"
        raise ValueError(message) from None
    parts = urlsplit(url)
    if "@" in parts.netloc:
        message = "must not hold a password: use the fields username and password"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "must end with the path, without '?' or '#'"
        raise ValueError(message)
    return url.rstrip("/")


def _valid_remote_path(path: str) -> str:
    segments = [segment for segment in path.split("/") if segment]
    if any(segment in (".", "..") for segment in segments) or "\0" in path:
        message = "must be a path without '.' and '..', such as '/115/Movies'"
        raise ValueError(message)
    return "/" + "/".join(segments)


BaseUrl = Annotated[str, AfterValidator(_valid_base_url)]
"""An http or https address without a slash at its end, and without a password."""

RemotePath = Annotated[str, AfterValidator(_valid_remote_path)]
"""An absolute path at a server, not percent-encoded, without a slash at its end."""


class OpenListLink(StrEnum):
    """Which of its two addresses of a file OpenList is asked for."""

    DIRECT = "direct"
    PROXY = "proxy"


class LocalSourceSettings(Section):
    """Media in a folder of this machine: a disk, or a mounted drive."""

    type: Literal["local"] = "local"
    path: AnchoredPath = Field(description="The folder that holds the media.")
    remember_mounts: bool = Field(
        default=True,
        description="Where a drive was mounted once, there must be one: a folder that is a plain "
        "one since proves nothing about what it lacks. false: mounts are forgotten.",
    )

    timeout_seconds: float = Field(
        default=60,
        gt=0,
        description="How long one folder may take to be listed, before its drive counts as "
        "hanging, which ends the scan.",
    )

    @property
    def location(self) -> str:
        """Where the media are, for people."""
        return str(self.path)


class RemoteSourceSettings(Section):
    """What all sources behind HTTP have in common."""

    path: RemotePath = Field(
        default="/", description="The folder that holds the media, as the server names it."
    )
    username: str | None = Field(default=None, description="The account at the server.")
    password: SecretStr | None = Field(default=None, description="Its password.")
    connections: int = Field(
        default=8, ge=1, le=64, description="How many folders are listed at the same time."
    )
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=10_000,
        description="The most requests per second that the account may send, evenly spread, over "
        "all jobs together. Without it: as fast as the connections go.",
    )
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="How long the server may be silent."
    )
    retries: int = Field(
        default=3, ge=0, le=20, description="How often a request that went wrong is repeated."
    )


class OpenListSourceSettings(RemoteSourceSettings):
    """Media behind OpenList, or AList 3."""

    type: Literal["openlist"]
    base_url: BaseUrl = Field(description="The address of OpenList, such as http://nas.lan:5244.")
    token: SecretStr | None = Field(
        default=None, description="OpenList's static token, instead of username and password."
    )
    public_url: BaseUrl | None = Field(
        default=None,
        description="The address of OpenList that players use. Without it: base_url.",
    )
    link: OpenListLink = Field(
        default=OpenListLink.DIRECT,
        description="direct: /d/, which leads players to the drive. proxy: /p/, where the bytes "
        "pass through OpenList. Not used with url_template.",
    )
    page_size: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="Entries per request; 0 asks for whole folders, which is faster and safer.",
    )
    resign_before_hours: float = Field(
        default=24,
        ge=0,
        description="A link whose signature ends sooner than this is written anew.",
    )

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        if (self.username is None) != (self.password is None):
            message = "username and password go together"
            raise ValueError(message)
        token = self.token.get_secret_value() if self.token else "none"
        if not (token.isascii() and token.isprintable()):
            message = "token must be one line of ASCII"
            raise ValueError(message)
        if self.token is not None and self.username is not None:
            message = "give either token, or username and password"
            raise ValueError(message)
        return self

    @property
    def location(self) -> str:
        """Where the media are, for people."""
        return f"{self.base_url}{self.path}"


class WebDavSourceSettings(RemoteSourceSettings):
    """Media behind WebDAV, such as CloudDrive2, rclone, Nextcloud or a web server."""

    type: Literal["webdav"]
    base_url: BaseUrl = Field(
        description="The address of the WebDAV root, such as http://nas.lan:19798/dav."
    )

    @model_validator(mode="after")
    def _password_has_an_account(self) -> Self:
        if self.password is not None and self.username is None:
            message = "password needs username"
            raise ValueError(message)
        return self

    @property
    def location(self) -> str:
        """Where the media are, for people."""
        return f"{self.base_url}{self.path}"


class ExternalSourceSettings(Section):
    """Media behind a source that another package brings; its fields are that package's."""

    model_config = ConfigDict(extra="allow")

    type: str

    @model_validator(mode="after")
    def _somebody_brings_it(self) -> Self:
        known = sorted(entry.name for entry in entry_points(group=ENTRY_POINTS))
        if self.type not in known:
            message = f"type must be one of {', '.join([*_BUILT_IN, *known])}"
            raise ValueError(message)
        return self

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        # Nobody knows which of the other fields are secret.
        return [("type", self.type)]

    @property
    def location(self) -> str:
        """Where the media are, for people."""
        return self.type


def _tag(value: Any) -> str:
    kind = value.get("type", "local") if isinstance(value, Mapping) else getattr(value, "type", "")
    return kind if kind in _BUILT_IN else "external"


SourceSettings = Annotated[
    Annotated[LocalSourceSettings, Tag("local")]
    | Annotated[OpenListSourceSettings, Tag("openlist")]
    | Annotated[WebDavSourceSettings, Tag("webdav")]
    | Annotated[ExternalSourceSettings, Tag("external")],
    Discriminator(_tag),
]
"""The settings of a source; its field `type` says which."""
