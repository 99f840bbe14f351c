"""Media behind WebDAV: one PROPFIND of depth 1 for each directory."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import quote, unquote_to_bytes, urlsplit
from xml.parsers import expat

from sync_assets.settings.strm_sources import WebDavSourceSettings
from sync_assets.strm.models import Entry, EntryKind
from sync_assets.strm.sources.http import HttpClient
from sync_assets.strm.sources.http_messages import (
    LARGEST_SIZE,
    Answer,
    DeniedError,
    Request,
    TransientError,
    basic_authorization,
)
from sync_assets.strm.sources.http_streams import HttpStream
from sync_assets.strm.sources.protocol import DirectoryUnavailableError, SourceUnavailableError

_REMEDY = "Look at this folder with another WebDAV program; its part of the library is kept."
_FILE_REMEDY = "Open this file with another program; what the library has of it stays as it is."
_ASKED = (
    b'<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/>'
    b"<D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>"
)


@dataclass(slots=True)
class _Resource:
    """One element of an answer.

    Attributes:
        segments: Its path at the server, percent-encoded, without empty segments.
        properties: The properties that the server gave, by their name.
        is_collection: Whether it is a directory.
        error: Why nothing more is known of it.
    """

    segments: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    is_collection: bool = False
    error: str | None = None


class WebDavSource:
    """A folder of a WebDAV server.

    Args:
        settings: The source's settings.
        client: Asks the server.
    """

    link_root: str | None = None

    def __init__(self, settings: WebDavSourceSettings, client: HttpClient) -> None:
        self._settings = settings
        self._client = client
        password = settings.password.get_secret_value() if settings.password else ""
        self._headers = {
            "Content-Type": "application/xml; charset=utf-8",
            **basic_authorization(settings.username, password),
        }
        self._base = _decoded(_segments(urlsplit(settings.base_url).path))
        self.connections = settings.connections

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._client.requests

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def check(self) -> None:
        """Make sure that the folder is there."""
        try:
            self._propfind("", depth=0)
        except DirectoryUnavailableError as error:
            raise SourceUnavailableError(
                f"{self._settings.base_url}: {error.message}.",
                remedy="Correct source.base_url and source.path; nothing was changed.",
            ) from error

    def list_directory(self, path: str) -> list[Entry]:
        """List one directory."""
        return self._propfind(path, depth=1)

    def open_file(self, path: str, *, sign: str | None = None) -> HttpStream:
        """Open a file; WebDAV has no signatures."""
        del sign
        shown = f"{self._settings.path.rstrip('/')}/{path}"
        headers = {name: value for name, value in self._headers.items() if name != "Content-Type"}
        return self._client.open(
            Request("GET", quote(shown), headers=headers),
            self._judge_file,
            item=shown,
            remedy=_FILE_REMEDY,
        )

    def _judge_file(self, answer: Answer) -> None:
        if answer.status == 401:
            self._end_unauthorized()
        answer.raise_if_refused()
        if answer.status >= 500:
            raise TransientError(f"HTTP {answer.status}")

    def _propfind(self, path: str, *, depth: int) -> list[Entry]:
        shown = f"{self._settings.path.rstrip('/')}/{path}"
        request = Request(
            "PROPFIND",
            f"{quote(shown.rstrip('/'))}/",
            _ASKED,
            {"Depth": str(depth), **self._headers},
        )
        own = self._base + [segment.encode() for segment in shown.split("/") if segment]
        return self._client.ask(
            request,
            lambda answer: self._read(answer, own, is_first=depth == 0),
            item=shown,
            remedy=_REMEDY,
        )

    def _end_unauthorized(self) -> NoReturn:
        self._client.end(
            SourceUnavailableError(
                f"{self._settings.base_url} does not let "
                f"{self._settings.username or 'a guest'} in (HTTP 401).",
                remedy="Correct source.username and source.password.",
            )
        )

    def _read(self, answer: Answer, own: list[bytes], *, is_first: bool) -> list[Entry]:
        if answer.status == 401:
            self._end_unauthorized()
        if is_first and answer.status == 405:
            raise DeniedError("it is not an address of WebDAV (HTTP 405)")
        answer.raise_if_refused()
        if answer.status >= 500:
            raise TransientError(f"HTTP {answer.status}")
        if answer.status != 207:
            raise DeniedError(f"the server answers a PROPFIND with HTTP {answer.status}")
        entries = []
        is_there = False
        for resource in _Multistatus().parse(answer.body):
            segments = resource.segments
            if len(segments) == len(own) and _decoded(segments) == own:
                is_there = resource.is_collection
            elif len(segments) == len(own) + 1 and _decoded(segments[:-1]) == own:
                entries.append(_entry(resource))
            else:
                raise DeniedError(f"the server answers about /{'/'.join(segments)}")
        if not is_there:
            raise DeniedError("the server does not say that it is a folder")
        return entries


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _decoded(segments: list[str]) -> list[bytes]:
    return [unquote_to_bytes(segment) for segment in segments]


def _entry(resource: _Resource) -> Entry:
    encoded = unquote_to_bytes(resource.segments[-1])
    try:
        name = encoded.decode()
    except UnicodeDecodeError:
        printable = encoded.decode("utf-8", "backslashreplace")
        return Entry(printable, EntryKind.UNREADABLE, error="its name is not UTF-8")
    modified_at = _seconds(resource.properties.get("getlastmodified"))
    if resource.error is not None:
        return Entry(name, EntryKind.UNREADABLE, error=resource.error)
    if resource.is_collection:
        return Entry(name, EntryKind.DIRECTORY, None, modified_at)
    length = resource.properties.get("getcontentlength", "")
    size = int(length) if length.isdecimal() and len(length) < 20 else None
    if size is not None and size > LARGEST_SIZE:
        size = None
    return Entry(name, EntryKind.FILE, size, modified_at)


def _seconds(text: str | None) -> float | None:
    """Read a time; None where the server has none, which Go's servers write as the year 1."""
    if text is None or " 0001 " in text:
        return None
    with suppress(ValueError, OverflowError):
        seconds = parsedate_to_datetime(text).timestamp()
        return seconds if seconds > 0 else None
    return None


class _Multistatus:
    """Reads the body of a status 207."""

    def __init__(self) -> None:
        self._resources: list[_Resource] = []
        self._resource = _Resource()
        self._found: dict[str, str] = {}
        self._is_collection = False
        self._status = ""
        self._in_properties = False
        self._text: list[str] = []
        self._is_answer = False

    def parse(self, body: bytes) -> list[_Resource]:
        """Read the whole body.

        Raises:
            TransientError: It is not whole, or not such a body.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        try:
            parser.Parse(body, True)
        except expat.ExpatError as error:
            raise TransientError(f"the answer is not whole XML ({error})") from error
        if not self._is_answer:
            raise TransientError("the answer is not one of WebDAV")
        return self._resources

    def _refuse_doctype(self, *_: Any) -> None:
        raise TransientError("the answer declares a document type, which WebDAV never does")

    def _start(self, name: str, _: Mapping[str, str]) -> None:
        self._text.clear()
        if name == "DAV: multistatus":
            self._is_answer = True
        elif name == "DAV: response":
            self._resource = _Resource()
        elif name == "DAV: propstat":
            self._found, self._is_collection, self._status = {}, False, ""
        elif name == "DAV: prop":
            self._in_properties = True
        elif name == "DAV: collection":
            self._is_collection = True

    def _end(self, name: str) -> None:
        if name in ("DAV: getcontentlength", "DAV: getlastmodified"):
            self._found[name.removeprefix("DAV: ")] = "".join(self._text).strip()
        elif name == "DAV: href" and not self._in_properties:
            self._resource.segments = _segments(_path_of("".join(self._text).strip()))
        elif name == "DAV: prop":
            self._in_properties = False
        elif name == "DAV: status":
            self._status = "".join(self._text).strip()
        elif name == "DAV: propstat":
            self._end_properties()
        elif name == "DAV: response":
            self._end_response()
        self._text.clear()

    def _end_properties(self) -> None:
        """Properties count only where the server could give them."""
        if " 200" in self._status:
            self._resource.properties |= self._found
            self._resource.is_collection |= self._is_collection
        self._status = ""

    def _end_response(self) -> None:
        if self._status and " 200" not in self._status:
            self._resource.error = f"the server answers about it with {self._status!r}"
        self._status = ""
        self._resources.append(self._resource)


def _path_of(reference: str) -> str:
    """Return the path of an href, which is a path or a whole address, percent-encoded."""
    scheme, separator, rest = reference.partition("://")
    if separator and "/" not in scheme:
        return rest.partition("/")[2]
    return reference
