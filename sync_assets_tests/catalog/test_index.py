"""The sources compiled into one index, and what the index answers."""

import sqlite3
from contextlib import closing
from datetime import date

import pytest

from sync_assets.catalog.compiling import compile_catalog
from sync_assets.catalog.index import CatalogIndex, CatalogUnavailableError
from sync_assets.catalog.index_writing import write_index
from sync_assets.catalog.local import LocalSourcesError, compile_folder
from sync_assets.catalog.models import (
    Link,
    Namespace,
    Provider,
    SourceContent,
    Subject,
    SubjectKind,
    Target,
    Work,
    WorkKind,
)
from sync_assets.catalog.sources import SOURCES
from sync_assets.catalog.titles import fold
from sync_assets_tests.catalog import samples

TMDB = Work(Provider.TMDB, WorkKind.SHOW, "100")


def compiled():
    return compile_catalog(
        {name: SOURCES[name].parse(data) for name, data in samples.FILES.items()}
    )


@pytest.fixture
def index(tmp_path):
    path = tmp_path / "index.sqlite"
    write_index(path, compiled(), [])
    with closing(CatalogIndex(path)) as opened:
        yield opened


def test_every_link_leads_to_a_bangumi_subject_and_names_its_source(index):
    found = index.links([TMDB])
    assert {each.link.target.namespace for each in found} == {Namespace.BANGUMI}
    by_source = {each.source: each.link for each in found if each.link.target.number == 12}
    assert by_source["anibridge"][2:] == (1, 13, 25, 1, False)
    assert by_source["anime_lists"][2:] == (1, 13, None, 1, False)
    assert by_source["bangumi_data"].season is None


def test_a_count_from_a_list_replaces_one_reckoned_from_dates(index):
    subjects = index.subjects([11, 12, 13, 999])
    assert [subjects[number].episodes for number in (11, 12, 13)] == [12, 13, None]
    assert not subjects[11].episodes_are_estimated
    assert 999 not in subjects


@pytest.mark.parametrize(
    ("kind", "count", "known"),
    [(SubjectKind.TV, 1, None), (SubjectKind.TV, 12, 12), (SubjectKind.OVA, 1, 1)],
)
def test_a_count_that_cannot_be_that_of_a_long_series_is_left_out(kind, count, known):
    """bangumi-data has the id of a film for some series."""
    begin, end = date(1999, 3, 7), date(2000, 3, 26)
    subject = Subject(11, "Star Kettle", kind=kind, begin=begin, begin_is_exact=True, end=end)
    anilist = Target(Namespace.ANILIST, 2961)
    data = SourceContent(subjects=[subject], identities=[(Target(Namespace.BANGUMI, 11), anilist)])
    counts = SourceContent(episode_counts={anilist: count})
    result = compile_catalog({"bangumi_data": data, "episode_counts": counts})
    assert result.subjects[11].episodes == known


def test_subjects_know_the_better_day_and_all_titles(index):
    assert index.subjects([11])[11].begin_is_exact
    assert index.subjects_titled(fold("Star  KETTLE!")) == [11]
    assert index.subjects_titled(fold("星之水壶")) == [11]
    assert index.subjects_titled(fold("星星水壶")) == [11]
    # Without the season, the second one has the same title.
    assert index.subjects_titled(fold("星のやかん")) == [11, 12]


def test_redirects_lead_from_subject_to_subject(index):
    (redirect,) = index.redirects([11])
    assert (redirect.first, redirect.last, redirect.destination.number) == (13, 25, 12)
    assert index.redirects([12]) == []


def test_works_of_a_subject(index):
    assert TMDB in index.works_of(11)


def test_where_sources_contradict_each_other_the_better_one_names_the_subject():
    swapped = SourceContent(
        identities=[
            (Target(Namespace.BANGUMI, 1), Target(Namespace.ANIDB, 52)),
            (Target(Namespace.BANGUMI, 2), Target(Namespace.ANIDB, 51)),
        ]
    )
    right = SourceContent(
        identities=[
            (Target(Namespace.BANGUMI, 1), Target(Namespace.ANIDB, 51)),
            (Target(Namespace.BANGUMI, 2), Target(Namespace.ANIDB, 52)),
        ]
    )
    lists = SourceContent(links=[Link(Target(Namespace.ANIDB, 51), TMDB, 1, 1, None, 1)])
    result = compile_catalog(
        {"bangumi_data": swapped, "bangumi_extlinker": right, "anime_lists": lists}
    )
    assert [each.link.target.number for each in result.links] == [1]


def test_an_anime_that_is_several_subjects_only_says_which_show_they_belong_to():
    both = SourceContent(
        identities=[
            (Target(Namespace.BANGUMI, number), Target(Namespace.ANIDB, 51)) for number in (1, 2)
        ]
    )
    lists = SourceContent(links=[Link(Target(Namespace.ANIDB, 51), TMDB, 1, 1, None, 1)])
    result = compile_catalog({"bangumi_data": both, "anime_lists": lists})
    assert [(each.link.target.number, each.link.first) for each in result.links] == [
        (1, None),
        (2, None),
    ]


def test_a_link_to_nothing_that_is_known_is_counted():
    lists = SourceContent(links=[Link(Target(Namespace.ANIDB, 51), TMDB)])
    result = compile_catalog({"anime_lists": lists})
    assert (result.links, result.unresolved) == ([], 1)


def test_a_missing_index_says_how_to_get_one(tmp_path):
    with pytest.raises(CatalogUnavailableError, match="catalog_refresh"):
        CatalogIndex(tmp_path / "index.sqlite")


def test_a_damaged_index_and_one_of_another_version_are_refused(tmp_path):
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(CatalogUnavailableError, match="damaged"):
        CatalogIndex(damaged)
    newer = tmp_path / "newer.sqlite"
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
    with pytest.raises(CatalogUnavailableError, match="version 99"):
        CatalogIndex(newer)


def test_a_reader_keeps_the_index_that_it_opened(tmp_path):
    path = tmp_path / "index.sqlite"
    write_index(path, compiled(), [])
    with closing(CatalogIndex(path)) as opened:
        write_index(path, compile_catalog({}), [])
        assert opened.links([TMDB])
    with closing(CatalogIndex(path)) as opened:
        assert not opened.links([TMDB])
    assert [each.name for each in tmp_path.iterdir()] == ["index.sqlite"]


def test_an_index_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "index.sqlite"
    write_index(path, compiled(), [])

    def provenance():
        raise RuntimeError
        yield

    with pytest.raises(RuntimeError):
        write_index(path, compile_catalog({}), provenance())
    with closing(CatalogIndex(path)) as opened:
        assert opened.links([TMDB])
    assert [each.name for each in tmp_path.iterdir()] == ["index.sqlite"]


def test_a_folder_of_files_is_compiled_with_provenance(tmp_path):
    (tmp_path / "my_bangumi-data_1.json").write_bytes(samples.BANGUMI_DATA)
    (tmp_path / "bangumi-data_1.json").write_bytes(samples.BANGUMI_DATA)
    path = tmp_path / "home" / "index.sqlite"
    assert compile_folder(tmp_path, path) == ["bangumi_data"]
    with closing(CatalogIndex(path)) as opened:
        (provenance,) = opened.provenance()
    assert (provenance.licence, provenance.entries) == ("CC-BY-4.0", 5)
    with pytest.raises(LocalSourcesError, match=r"anime-list\.xml"):
        compile_folder(tmp_path / "home", path)
    (tmp_path / "anime-list.xml").write_bytes(b"<html>")
    with pytest.raises(LocalSourcesError, match="is not XML"):
        compile_folder(tmp_path, path)
