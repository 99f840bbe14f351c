"""The lake in DuckDB."""

import duckdb
import pandas as pd
import pytest

from sync_assets.lake import files


@pytest.fixture
def connection():
    with duckdb.connect(":memory:") as connection:
        yield connection


def test_there_is_a_view_for_each_asset_with_its_partitions(lake, connection):
    awkward = ["me|2024-01", "it's", "é" * 300]
    for key in awkward:
        lake.write(
            ["trakt", "history"], pd.DataFrame({"id": [1], "filename": ["f"]}), partition=key
        )
    lake.write(["pixiv", "bookmarks"], pd.DataFrame({"id": [1, 2]}))
    with lake.views(connection) as views:
        assert [view.quoted for view in views.all] == ['"pixiv"."bookmarks"', '"trakt"."history"']
        rows = connection.execute("SELECT _partition, filename FROM trakt.history").fetchall()
        assert sorted(rows) == sorted((key, "f") for key in awkward)
        columns = connection.execute("DESCRIBE pixiv.bookmarks").fetchall()
        assert [column[0] for column in columns] == ["id"]


def test_columns_of_different_partitions_go_together_by_name(lake, connection):
    lake.write(["a", "b"], pd.DataFrame({"id": [1], "old": [None]}), partition="1")
    lake.write(["a", "b"], pd.DataFrame({"old": ["x"], "tags": [["t"]], "id": [2]}), partition="2")
    with lake.views(connection):
        rows = connection.execute("SELECT id, old, tags FROM a.b ORDER BY id").fetchall()
    assert rows == [(1, None, None), (2, "x", ["t"])]


def test_names_are_quoted(lake, connection):
    lake.write(["select", 'a"b', "Größe"], pd.DataFrame({"id": [1]}))
    lake.write(["alone"], pd.DataFrame({"id": [2]}))
    with lake.views(connection):
        assert connection.execute('SELECT id FROM "select_a""b"."Größe"').fetchall() == [(1,)]
        assert connection.execute("SELECT id FROM alone").fetchall() == [(2,)]


@pytest.mark.parametrize("hard_links", [True, False])
def test_the_views_stay_as_they_are_until_they_are_refreshed(
    lake, connection, hard_links, monkeypatch
):
    if not hard_links:

        def refuse(self, target):
            raise PermissionError

        monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    for key in ("gone", "replaced", "kept"):
        lake.write(["a", "b"], pd.DataFrame({"value": [key]}), partition=key)
    lake.write(["a", "c"], pd.DataFrame({"value": [1]}))
    query = "SELECT value FROM a.b ORDER BY value"
    with lake.views(connection) as views:
        lake.delete(["a", "b"], partition="gone")
        lake.delete(["a", "c"])
        lake.write(["a", "b"], pd.DataFrame({"value": ["new"], "more": [1]}), partition="replaced")
        lake.write(["a", "d"], pd.DataFrame({"value": [2]}))
        assert connection.execute(query).fetchall() == [("gone",), ("kept",), ("replaced",)]
        assert connection.execute("SELECT value FROM a.c").fetchall() == [(1,)]
        views.refresh()
        assert connection.execute(query).fetchall() == [("kept",), ("new",)]
        assert [view.name for view in views.all] == ["b", "d"]
    assert list((lake.directory / ".snapshots").iterdir()) == []


def test_a_damaged_asset_fails_alone_with_its_cause(lake, connection):
    path = lake.write(["a", "bad"], pd.DataFrame({"id": [1]})).path
    path.write_bytes(b"PAR1 nonsense PAR1")
    lake.write(["a", "good"], pd.DataFrame({"id": [1]}))
    with lake.views(connection):
        assert connection.execute("SELECT id FROM a.good").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error) as caught:
            connection.execute("SELECT * FROM a.bad")
    assert str(path) in str(caught.value)
    assert "What to do:" in str(caught.value)


def test_a_file_that_vanishes_while_the_views_are_made_is_left_out(lake, connection, monkeypatch):
    lake.write(["a", "b"], pd.DataFrame({"id": [1]}), partition="1")
    lake.write(["a", "b"], pd.DataFrame({"id": [2]}), partition="2")
    lake.write(["a", "c"], pd.DataFrame({"id": [3]}))
    link = files.link

    def unlucky(source, target):
        if source.name in {"1.parquet", "+all.parquet"}:
            source.unlink()
        link(source, target)

    monkeypatch.setattr("sync_assets.lake.files.link", unlucky)
    with lake.views(connection) as views:
        assert connection.execute("SELECT id FROM a.b").fetchall() == [(2,)]
        assert [view.name for view in views.all] == ["b"]
