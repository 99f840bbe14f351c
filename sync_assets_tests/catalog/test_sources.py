"""Each source's format is read, and what is not in that format is refused with a reason."""

from datetime import date
from pathlib import Path

import pytest

from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    Redirect,
    SubjectKind,
    Target,
    Work,
    WorkKind,
)
from sync_assets.catalog.sources import SOURCES
from sync_assets.catalog.sources.reading import SourceFormatError, tmdb_key
from sync_assets.settings.catalog import SOURCE_NAMES
from sync_assets_tests.catalog import samples

REAL = Path(__file__).parents[3] / "shared" / "data" / "mapping"

TMDB = Work(Provider.TMDB, WorkKind.SHOW, "100")
TVDB = Work(Provider.TVDB, WorkKind.SHOW, "200")
TRAKT = Work(Provider.TRAKT, WorkKind.SHOW, "300")
MOVIE = Work(Provider.TMDB, WorkKind.MOVIE, "500")


def bangumi(number: int) -> Target:
    return Target(Namespace.BANGUMI, number)


def anidb(number: int) -> Target:
    return Target(Namespace.ANIDB, number)


def mal(number: int) -> Target:
    return Target(Namespace.MAL, number)


def anilist(number: int) -> Target:
    return Target(Namespace.ANILIST, number)


def parse(name: str):
    return SOURCES[name].parse(samples.FILES[name])


def test_the_configuration_knows_every_source() -> None:
    assert set(SOURCE_NAMES) == set(SOURCES)


def test_bangumi_data_gives_subjects_with_days_of_japan_and_ids():
    content = parse("bangumi_data")
    assert (content.entries, content.skipped) == (5, 1)
    first = content.subjects[0]
    assert (first.number, first.kind) == (11, SubjectKind.TV)
    assert first.titles == ("星のやかん", "Star Kettle", "星星水壺")
    # Half past midnight in Japan is the day before in UTC.
    assert (first.begin, first.end) == (date(2020, 1, 6), date(2020, 3, 23))
    assert (first.episodes, first.episodes_are_estimated) == (12, True)
    assert content.subjects[1].episodes is None
    assert Link(bangumi(11), TMDB) in content.links
    assert Link(bangumi(13), TMDB, 0, 2, 2, 1) in content.links
    assert Link(bangumi(14), MOVIE) in content.links
    assert (bangumi(12), anilist(3012)) in content.identities


def test_extlinker_gives_months_and_ids_of_thetvdb():
    content = parse("bangumi_extlinker")
    assert content.subjects[0].begin == date(2020, 1, 1)
    assert not content.subjects[0].begin_is_exact
    assert content.subjects[1].begin is None
    assert Link(bangumi(11), TMDB, 1) in content.links
    assert Link(bangumi(11), TVDB) in content.links
    assert Link(bangumi(14), Work(Provider.IMDB, WorkKind.MOVIE, "tt0000500")) in content.links


def test_anime_lists_gives_ranges_pairs_and_films():
    links = parse("anime_lists").links
    assert Link(anidb(2011), TMDB, 1, 1, None, 1) in links
    assert Link(anidb(2012), TMDB, 1, 13, None, 1) in links
    assert Link(anidb(2011), TVDB, 2, 1, 6, 7) in links
    specials = [link for link in links if link.is_special and link.work == TMDB]
    assert [(link.first, link.target_first) for link in specials] == [(7, 1), (8, 2), (9, 2)]
    films = [link for link in links if link.work.kind is WorkKind.MOVIE]
    assert [(link.work.identifier, link.target_first) for link in films] == [
        ("500", 1),
        ("501", 2),
        ("tt0000500", 1),
    ]


def test_anibridge_gives_ranges_and_leaves_out_what_counts_several_as_one():
    content = parse("anibridge")
    assert Link(anilist(3012), TMDB, 1, 13, 25, 1) in content.links
    assert Link(anilist(3012), TVDB, 3, 1, None, 1) in content.links
    assert not [link for link in content.links if link.season == 0]
    assert content.identities == [(anilist(3012), mal(1012))]
    assert content.skipped == 1


def test_rensetsu_gives_seasons_of_trakt():
    links = parse("rensetsu_shows").links
    assert Link(mal(1011), TRAKT, 1) in links
    assert Link(mal(1011), TVDB) in links
    assert Link(mal(1012), TRAKT) in links


def test_shinkro_gives_seasons_of_thetvdb():
    links = parse("shinkro").links
    assert Link(mal(1012), TVDB, 3, 1, None, 1) in links
    assert Link(mal(1011), TVDB, 2, 1, None, 7) in links
    assert Link(mal(1011), TVDB, 0, 3, 3, 12) in links
    assert not [link for link in links if link.season == 4]


def test_anime_relations_gives_redirects():
    content = parse("anime_relations")
    assert content.redirects[0] == Redirect(mal(1011), 13, 25, mal(1012), 1)
    assert content.redirects[1] == Redirect(anilist(3011), 13, 25, anilist(3012), 1)
    assert content.redirects[2] == Redirect(mal(1011), 26, None, mal(1011), 1)
    assert (content.entries, content.skipped) == (3, 1)


def test_episode_counts_leaves_out_what_is_not_known():
    content = parse("episode_counts")
    assert content.episode_counts == {anilist(3011): 12, anilist(3012): 13}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tv/1", (Work(Provider.TMDB, WorkKind.SHOW, "1"), None, None)),
        ("tv/1-a-name", (Work(Provider.TMDB, WorkKind.SHOW, "1"), None, None)),
        ("tv/1/season/0", (Work(Provider.TMDB, WorkKind.SHOW, "1"), 0, None)),
        ("tv/1/season/2/episode/3", (Work(Provider.TMDB, WorkKind.SHOW, "1"), 2, 3)),
        ("movie/9", (Work(Provider.TMDB, WorkKind.MOVIE, "9"), None, None)),
        ("collection/9", None),
        ("", None),
    ],
)
def test_addresses_of_tmdb(text, expected):
    assert tmdb_key(text) == expected


@pytest.mark.parametrize("name", sorted(SOURCES))
@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html><body>Too many requests</body></html>",
        b"\xff\xfe\x00broken",
        b"",
        b'"text"',
    ],
)
def test_what_is_in_another_format_is_refused(name, content):
    with pytest.raises(SourceFormatError):
        SOURCES[name].parse(content)


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"anime_relations", "shinkro", "anibridge"}))
def test_a_file_that_breaks_off_is_refused(name):
    content = samples.FILES[name]
    with pytest.raises(SourceFormatError):
        SOURCES[name].parse(content[: len(content) // 2])


@pytest.mark.parametrize("bomb", [b"<!ENTITY a 'b'>", b"<!DOCTYPE anime-list>"])
def test_xml_with_entities_is_refused(bomb):
    with pytest.raises(SourceFormatError, match="document type"):
        SOURCES["anime_lists"].parse(bomb + samples.ANIME_LISTS)


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_the_published_file_is_read(name):
    path = next(iter(REAL.glob(SOURCES[name].file_name)), None)
    if path is None:
        pytest.skip(f"no published file of {name} beside this checkout")
    content = SOURCES[name].parse(path.read_bytes())
    assert content.entries > 500
    assert content.skipped < content.entries * 0.1
