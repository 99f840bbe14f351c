"""The configuration of the relay's upload targets: where files are kept."""

import re
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from sync_assets.settings.section import AnchoredPath, Section
from sync_assets.settings.telegram import ChatId

TARGET_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

PATH_FIELDS = ("name", "year", "month", "day", "source", "chat", "sender", "album", "id")
"""What a path template may hold."""

_BANDWIDTH = r"(off|\d+(\.\d+)?[BkKMGTP]?i?(:(off|\d+(\.\d+)?[BkKMGTP]?i?))?)"
_TIMETABLE = re.compile(rf"{_BANDWIDTH}|((([A-Z][a-z]{{2}}-)?\d\d:\d\d,{_BANDWIDTH})( (?=\S)|$))+")


def _valid_remote(remote: str) -> str:
    if not re.fullmatch(r"[\w][\w .+@-]*:[^\0]*", remote):
        message = (
            "must name a remote of the rclone configuration, and a folder of it if wanted, such as "
            "'onedrive:Media'; `rclone listremotes` shows the names"
        )
        raise ValueError(message)
    if ".." in remote.partition(":")[2].split("/"):
        message = "must not hold '..'"
        raise ValueError(message)
    return remote.rstrip("/")


def _valid_path_template(template: str) -> str:
    allowed = ", ".join(f"{{{name}}}" for name in PATH_FIELDS)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        message = f"has a brace too many or too few ({error})"
        raise ValueError(message) from None
    names = [name for _, name, _, _ in parts if name is not None]
    plain = all(not specification and not conversion for _, _, specification, conversion in parts)
    if not plain or not set(names) <= set(PATH_FIELDS):
        message = f"has an unknown field; allowed are {allowed}"
        raise ValueError(message)
    segments = template.split("/")
    if "{name}" not in segments[-1] or not {"", ".", ".."}.isdisjoint(segments):
        message = "must be a relative path without '..' whose last part holds {name}"
        raise ValueError(message)
    return template


def _valid_bandwidth(timetable: str) -> str:
    if timetable and not _TIMETABLE.fullmatch(timetable):
        message = (
            "must be a rate such as '10M' (bytes per second), or rclone's timetable such as "
            "'08:00,512k 23:00,off'"
        )
        raise ValueError(message)
    return timetable


def _valid_option(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) or name.startswith(("rc", "config")):
        message = "must be an option of rclone without its dashes, such as 'drive-chunk-size'"
        raise ValueError(message)
    if name == "name-transform":
        message = "files would have other names than those by which they are known: use 'path'"
        raise ValueError(message)
    return name


def _valid_strm_root(path: str) -> str:
    if not path.startswith("/") or not {".", ".."}.isdisjoint(path.split("/")):
        message = "must be an absolute path such as '/115/Media', without '..'"
        raise ValueError(message)
    return path.rstrip("/")


class RcloneTargetSettings(Section):
    """A folder of any storage that rclone knows."""

    kind: Literal["rclone"]
    remote: Annotated[str, AfterValidator(_valid_remote)] = Field(
        description="A remote of the rclone configuration, with a folder: 'onedrive:Media'."
    )
    path: Annotated[str, AfterValidator(_valid_path_template)] = Field(
        default="{year}/{month}/{name}",
        description="Where a file goes below the remote. Fields: {name}, {year}, {month}, {day} "
        "of its arrival (UTC), {source}, {chat}, {sender}, {album}, {id}.",
    )
    required: bool = Field(
        default=True, description="Whether the local file is kept until this target has it."
    )
    config_path: AnchoredPath | None = Field(
        default=None, description="The rclone configuration. Without it: rclone's own default."
    )
    config_password: SecretStr | None = Field(
        default=None, description="The password of an encrypted rclone configuration."
    )
    bandwidth_limit: Annotated[str, AfterValidator(_valid_bandwidth)] = Field(
        default="",
        description="Bytes per second, such as '10M', or rclone's timetable, such as "
        "'08:00,512k 23:00,off'; times are of this machine. Empty for no limit. Targets with the "
        "same limit, options and configuration share it.",
    )
    options: dict[Annotated[str, AfterValidator(_valid_option)], str] = Field(
        default_factory=dict,
        description="Further options of rclone, without dashes: {'drive-chunk-size' = '64M'}.",
    )
    read_back: bool = Field(
        default=False,
        description="Where the storage has no checksums, read each file back and compare it, "
        "instead of comparing its size.",
    )
    strm_root: Annotated[str, AfterValidator(_valid_strm_root)] | None = Field(
        default=None,
        description="What the STRM jobs' events call the remote's folder, such as '/115/Media': "
        "then they are told of each file.",
    )


class TelegramTargetSettings(Section):
    """A chat that gets the files, through the bot of [telegram]."""

    kind: Literal["telegram"]
    chat_id: ChatId = Field(description="The chat, by number or @name.")
    required: bool = Field(
        default=True, description="Whether the local file is kept until this target has it."
    )
    disable_notifications: bool = Field(default=False, description="Send silently.")


RelayTargetSettings = Annotated[
    RcloneTargetSettings | TelegramTargetSettings, Field(discriminator="kind")
]
"""A target of either kind."""
