"""What a poster is, and what is drawn in its place."""

import os
import time

import pytest

from sync_assets.addresses import AddressGuard
from sync_assets.watchlist import posters
from sync_assets.watchlist.posters import PosterCache, initials, picture_type, placeholder
from sync_assets_tests.upstreams.feed_site import Document, Fault, FeedSite

PICTURE = b"\xff\xd8\xff\xe0" + bytes(50)


@pytest.fixture
def site():
    with FeedSite() as running:
        yield running


@pytest.fixture
def cache(tmp_path):
    return PosterCache(tmp_path / "posters", AddressGuard(["127.0.0.1"], setting="a setting"))


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PICTURE, "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"GIF89a", "image/gif"),
        (b"<svg></svg>", None),
        (b"<!doctype html>", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(content, media_type):
    assert picture_type(content) == media_type


def test_what_could_not_be_had_is_asked_for_again_hours_later(cache, site, tmp_path):
    site.documents["/p"] = Document(PICTURE)
    site.faults["/p"] = Fault.SERVER_ERROR
    assert cache.get(f"{site.url}/p") is None
    del site.faults["/p"]
    assert cache.get(f"{site.url}/p") is None
    long_ago = time.time() - 24 * 3600
    for path in (tmp_path / "posters").iterdir():
        os.utime(path, (long_ago, long_ago))
    found = cache.get(f"{site.url}/p")
    assert found is not None
    assert found.content == PICTURE


def test_a_picture_that_is_too_large_is_left_out(cache, site, monkeypatch):
    monkeypatch.setattr(posters, "MAXIMUM_BYTES", 1_024)
    site.documents["/p"] = Document(PICTURE + bytes(2_000))
    assert cache.get(f"{site.url}/p") is None


def test_the_oldest_go_when_there_are_too_many(cache, site, tmp_path, monkeypatch):
    monkeypatch.setattr(posters, "MOST_FILES", 2)
    for number in range(4):
        site.documents[f"/{number}"] = Document(PICTURE)
        assert cache.get(f"{site.url}/{number}")
    assert len(list((tmp_path / "posters").iterdir())) == 2


@pytest.mark.parametrize(
    ("title", "letters"),
    [
        ("Vinland Saga S2", "VS"),
        ("«Étoile» filante", "ÉF"),
        ("葬送のフリーレン", "葬"),
        ("86―エイティシックス―", "8"),
        ("!!!", "?"),
        ("", "?"),
    ],
)
def test_initials_of_any_script(title, letters):
    assert initials(title) == letters


def test_a_drawn_poster_is_the_same_for_the_same_title_and_holds_no_marks():
    assert placeholder("<b> &c").content == placeholder("<b> &c").content
    assert b"<b>" not in placeholder("<b> &c").content
