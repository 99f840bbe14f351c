"""Links: a server that decodes them must find exactly the file they were made for."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.errors import SyncError
from sync_assets.settings.strm import LocalSourceSettings, StrmJobSettings
from sync_assets.settings.strm_sources import OpenListSourceSettings
from sync_assets.strm.links import LinkBuilder, UnlinkableNameError, _quoted
from sync_assets_tests.support.media import DIFFICULT_NAMES


def job(**changes) -> StrmJobSettings:
    values: dict[str, Any] = {
        "source": LocalSourceSettings(path=Path("/media")),
        "output": Path("/library"),
        "url_template": "http://nas.lan:8000/d/{path}?raw=1",
    }
    return StrmJobSettings(**(values | changes))


def openlist_job(**changes) -> StrmJobSettings:
    values: dict[str, Any] = {
        "type": "openlist",
        "base_url": "http://nas.lan:5244/list",
        "path": "/Media",
    }
    source = OpenListSourceSettings(**(values | changes))
    return StrmJobSettings(source=source, output=Path("/library"))


@pytest.mark.parametrize("name", DIFFICULT_NAMES)
@pytest.mark.parametrize("directory", ["", "Shows/進撃 #1?/100%"])
def test_trap_16_a_url_decodes_to_the_exact_path(directory: str, name: str) -> None:
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
def test_trap_19_a_path_with_a_line_break_cannot_be_a_line(name: str) -> None:
    link = LinkBuilder(job(mode="path", url_template=None)).for_directory("")
    with pytest.raises(UnlinkableNameError, match="line break"):
        link(name)


@pytest.mark.parametrize("name", DIFFICULT_NAMES)
@pytest.mark.parametrize(("link_root", "decoded"), [("/", "/d/"), ("/家 #/a%", "/d/家 #/a%/")])
def test_an_address_of_openlist_decodes_to_the_exact_path(
    name: str, link_root: str, decoded: str
) -> None:
    link = LinkBuilder(openlist_job(), link_root=link_root).for_directory("進撃", {name: "ab=:0"})
    parts = urlsplit(link(name).decode("ascii"))
    assert unquote(parts.path) == f"/list{decoded}進撃/{name}"
    assert parts.query == "sign=ab=:0"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "http://nas.lan:5244/list/d/Media/a.mkv"),
        ({"link": "proxy"}, "http://nas.lan:5244/list/p/Media/a.mkv"),
        ({"public_url": "https://media.example/"}, "https://media.example/d/Media/a.mkv"),
    ],
)
def test_an_address_of_openlist_is_the_one_that_is_asked_for(changes: dict, expected: str) -> None:
    link = LinkBuilder(openlist_job(**changes), link_root="/Media").for_directory("")
    assert link("a.mkv").decode() == expected


def test_a_template_goes_before_the_address_of_openlist() -> None:
    job = openlist_job().model_copy(update={"url_template": "http://proxy/{path}?x=1"})
    link = LinkBuilder(job).for_directory("b", {"a.mkv": "ab=:0"})
    assert link("a.mkv") == b"http://proxy/b/a.mkv?x=1"


def test_a_signature_cannot_add_a_line_or_another_parameter() -> None:
    link = LinkBuilder(openlist_job(), link_root="/").for_directory("", {"a": "x\n#&y=1:0"})
    assert link("a") == b"http://nas.lan:5244/list/d/a?sign=x%0A%23%26y%3D1%3A0"


def test_an_address_of_openlist_needs_a_listing_that_knows_its_root() -> None:
    with pytest.raises(SyncError, match="last listing") as caught:
        LinkBuilder(openlist_job())
    assert "strm/listing" in caught.value.remedy


NOW = 1_800_000_000
HOUR = 3_600


@pytest.mark.parametrize(
    ("present", "wanted", "is_current"),
    [
        ("u?sign=a:0", "u?sign=a:0", True),
        ("u?sign=a:0", "u?sign=b:0", False),
        ("u?sign=a:0", f"u?sign=b:{NOW + HOUR}", True),
        (f"u?sign=a:{NOW + 25 * HOUR}", f"u?sign=b:{NOW + 99 * HOUR}", True),
        (f"u?sign=a:{NOW + 23 * HOUR}", f"u?sign=b:{NOW + 99 * HOUR}", False),
        (f"u?sign=a:{NOW - HOUR}", f"u?sign=b:{NOW + 99 * HOUR}", False),
        (f"u?sign=a:{NOW + 25 * HOUR}", f"u?sign=b:{NOW + 25 * HOUR}", False),
        (f"v?sign=a:{NOW + 25 * HOUR}", f"u?sign=b:{NOW + 99 * HOUR}", False),
        ("u?sign=a", f"u?sign=b:{NOW + 99 * HOUR}", False),
        ("u", "u?sign=b:0", False),
        ("u?sign=a:0", "u", False),
    ],
)
def test_a_link_stays_while_its_own_signature_is_good(
    present: str, wanted: str, is_current: bool
) -> None:
    links = LinkBuilder(openlist_job(), link_root="/")
    assert links.is_current(present.encode(), wanted.encode(), now=NOW) is is_current


def test_a_sign_in_a_template_is_not_taken_for_one_of_openlist() -> None:
    links = LinkBuilder(job(url_template="http://nas/{path}?sign=a:0"))
    assert not links.is_current(b"http://nas/x?sign=b:0", b"http://nas/x?sign=a:1", now=NOW)
