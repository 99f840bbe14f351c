"""Links: a server that decodes them must find exactly the file they were made for."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.settings.strm import LocalSourceSettings, StrmJobSettings
from sync_assets.strm.links import LinkBuilder, UnlinkableNameError, _quoted
from sync_assets_tests.support.media import DIFFICULT_NAMES


def job(**changes) -> StrmJobSettings:
    values: dict[str, Any] = {
        "source": LocalSourceSettings(path=Path("/media")),
        "output": Path("/library"),
        "url_template": "http://nas.lan:8000/d/{path}?raw=1",
    }
    return StrmJobSettings(**(values | changes))


@pytest.mark.parametrize("name", DIFFICULT_NAMES)
@pytest.mark.parametrize("directory", ["", "Shows/進撃 #1?/100%"])
def test_a_url_decodes_to_the_exact_path(directory: str, name: str) -> None:
    content = LinkBuilder(job()).for_directory(directory)(name)
    parts = urlsplit(content.decode("ascii"))
    assert unquote(parts.path) == "/d/" + (f"{directory}/{name}" if directory else name)
    assert parts.query == "raw=1"
    assert content.splitlines() == [content]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_names_are_encoded_as_the_standard_library_encodes_them(name: str) -> None:
    assert _quoted(name) == quote(name, safe="").encode()


def test_a_path_link_is_the_absolute_path() -> None:
    builder = LinkBuilder(job(mode="path", url_template=None))
    assert builder.for_directory("剧")("a #1.mkv") == "/media/剧/a #1.mkv".encode()


@pytest.mark.parametrize("name", ["a\nb.mkv", "a\rb.mkv"])
def test_a_path_with_a_line_break_cannot_be_a_line(name: str) -> None:
    link = LinkBuilder(job(mode="path", url_template=None)).for_directory("")
    with pytest.raises(UnlinkableNameError, match="line break"):
        link(name)
