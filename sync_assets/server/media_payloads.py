"""Find the JSON in what media servers send: plain, or as a part or field of a form. No HTTP."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from sync_assets.server.payloads import parse_or_keep

KEPT_BYTES = 16_384
"""Of a body without JSON only so much is kept: the rest may be a picture."""

_PARTS = ("payload", "data")
"""Plex puts its JSON into the first of these, Emby before 4.9 into the second."""


def read_payload(content_type: str, body: bytes) -> dict[str, Any]:
    """Return what a media server says.

    Args:
        content_type: The header of that name, possibly empty or wrong.
        body: The request's body.

    Returns:
        The JSON object; of a form without one its fields. What cannot be parsed is kept as
        `payloads.parse_or_keep` does.
    """
    header = Message()
    header["Content-Type"] = content_type or "application/json"
    if header.get_content_type() == "multipart/form-data":
        fields = _multipart_fields(content_type, body)
    elif header.get_content_type() == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        fields = {_text(name.encode()): value.encode() for name, value in pairs}
    else:
        return parse_or_keep(body)
    for name in _PARTS:
        if name in fields:
            return parse_or_keep(fields[name])
    if not fields:
        return parse_or_keep(body[:KEPT_BYTES])
    return {name: _text(value) for name, value in fields.items()}


def _multipart_fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the parts that are no files."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(content, bytes):
            # The parser leaves bytes that are not ASCII as surrogates, which cannot be stored.
            fields[_text(name.encode("utf-8", "surrogateescape"))] = content
    return fields


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace").replace("\0", "\\0")
