"""The configuration of links: what a `.strm` file points at."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, HttpUrl, TypeAdapter, ValidationError


class LinkMode(StrEnum):
    """What a `.strm` file points at."""

    URL = "url"
    PATH = "path"


def _valid_url_template(template: str) -> str:
    if template.count("{path}") != 1:
        message = "must contain {path} exactly once, such as 'http://nas.lan:8000/media/{path}'"
        raise ValueError(message)
    try:
        TypeAdapter(HttpUrl).validate_python(template.replace("{path}", "a.mkv"))
    except ValidationError:
        message = "must be an absolute http or https address"
        raise ValueError(message) from None
    return template


UrlTemplate = Annotated[str, AfterValidator(_valid_url_template)]
"""The address of a file; `{path}` is its percent-encoded path in the source."""
