"""Refreshing: only what changed is fetched, and a broken source costs nothing."""

import json
from contextlib import closing

import httpx
import pytest

from sync_assets.catalog.fetching import SourceFetcher
from sync_assets.catalog.index import CatalogIndex
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.catalog.refreshing import CatalogRefreshError, refresh
from sync_assets.catalog.sources import SOURCES
from sync_assets.settings.catalog import CatalogSettings
from sync_assets_tests.catalog import samples
from sync_assets_tests.upstreams.file_host import Fault, running_file_host

TMDB = Work(Provider.TMDB, WorkKind.SHOW, "100")


class Catalogue:
    """A catalogue whose sources are all on the stand-in."""

    def __init__(self, directory, host, client):
        self.directory = directory
        self.host = host
        self.waited = []
        self._fetch = SourceFetcher(client, self.waited.append)
        host.files = {f"/{name}": data for name, data in samples.FILES.items()}
        del host.files["/rensetsu_movies"]  # a list without entries is refused
        self.sources = {name: {"url": host.url(f"/{name}")} for name in SOURCES}
        self.sources["rensetsu_movies"] = {"enabled": False}

    def refresh(self):
        settings = CatalogSettings.model_validate({"sources": self.sources})
        return refresh(self.directory, settings, self._fetch)

    def problem(self, name):
        return {each.name: each.problem for each in self.refresh().sources}[name]

    def links(self):
        with closing(CatalogIndex(self.directory / "index.sqlite")) as index:
            return index.links([TMDB])


@pytest.fixture
def catalogue(tmp_path):
    with running_file_host() as host, httpx.Client(timeout=5) as client:
        yield Catalogue(tmp_path, host, client)


def test_everything_is_fetched_and_compiled(catalogue):
    result = catalogue.refresh()
    assert result.problems == []
    assert all(each.changed for each in result.sources)
    assert (result.subjects, len(result.sources)) == (4, 8)
    assert {each.link.target.number for each in catalogue.links()} == {11, 12, 13}
    with closing(CatalogIndex(catalogue.directory / "index.sqlite")) as index:
        provenance = {each.source: each for each in index.provenance()}
    assert provenance["anime_relations"].licence == "CC0-1.0"
    assert provenance["anime_lists"].location == catalogue.host.url("/anime_lists")


def test_what_has_not_changed_is_not_fetched_again(catalogue):
    catalogue.refresh()
    before = catalogue.links()
    result = catalogue.refresh()
    assert not any(each.changed for each in result.sources)
    assert {status for _, status in catalogue.host.requests[-8:]} == {304}
    assert catalogue.links() == before


def test_another_address_is_asked_without_the_mark_of_the_first(catalogue):
    catalogue.refresh()
    catalogue.host.files["/elsewhere"] = samples.COUNTS
    catalogue.sources["episode_counts"] = {"url": catalogue.host.url("/elsewhere")}
    catalogue.refresh()
    assert catalogue.host.statuses("/elsewhere") == [200]


def test_it_says_who_it_is(catalogue):
    catalogue.refresh()
    (agent,) = catalogue.host.user_agents
    assert agent.startswith("sync-assets/")


OTHER_FORM = json.dumps(
    {"items": [{"sites": [{"site": "bangumi", "id": "1"}], "titleTranslate": 5}]}
).encode()
HALF = json.dumps({"items": json.loads(samples.BANGUMI_DATA)["items"][:2]}).encode()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(body=b"{ broken"), "is not JSON"),
        (Fault(body=samples.BANGUMI_DATA[:500]), "is not JSON"),
        (Fault(body=b"<html></html>", content_type="text/html; charset=utf-8"), "web page"),
        (Fault(body=b'{"items": []}'), "has no entries"),
        (Fault(body=b'{"items": [{"title": 1, "sites": 5}]}'), "no list of entries"),
        (Fault(body=OTHER_FORM), "another form"),
        (Fault(body=HALF), "2 entries where the last one had 5"),
        (Fault(status=404), "HTTP 404"),
        (Fault(body=samples.BANGUMI_DATA, is_truncated=True), "cannot be fetched"),
        (Fault(body=b" " * 200_000), "larger than 100,000 bytes"),
    ],
)
def test_a_broken_source_is_refused_and_its_last_good_copy_used(catalogue, fault, reason):
    catalogue.sources["bangumi_data"]["maximum_bytes"] = 100_000
    catalogue.refresh()
    before = catalogue.links()
    catalogue.host.faults["/bangumi_data"] = [fault] * 3
    result = catalogue.refresh()
    (problem,) = result.problems
    assert problem.name == "bangumi_data"
    assert reason in str(problem.problem)
    assert problem.entries == 5
    assert catalogue.links() == before
    # Well again, it is used again.
    catalogue.host.faults.clear()
    assert catalogue.refresh().problems == []


def test_a_smaller_file_is_accepted_where_the_user_says_so(catalogue):
    catalogue.refresh()
    catalogue.host.files["/bangumi_data"] = HALF
    catalogue.sources["bangumi_data"]["minimum_share"] = 0.2
    assert catalogue.problem("bangumi_data") is None


def test_a_source_that_was_never_good_is_left_out(catalogue):
    catalogue.host.files["/anime_lists"] = b"not XML"
    result = catalogue.refresh()
    assert [(each.name, each.entries) for each in result.problems] == [("anime_lists", 0)]
    assert "anime_lists" not in {each.source for each in catalogue.links()}
    assert catalogue.links()


def test_where_nothing_can_be_used_the_last_index_stays(catalogue, tmp_path):
    catalogue.refresh()
    before = catalogue.links()
    for path in (tmp_path / "sources").iterdir():
        path.unlink()
    catalogue.host.files.clear()
    with pytest.raises(CatalogRefreshError, match=r"bangumi_data .*HTTP 404"):
        catalogue.refresh()
    assert catalogue.links() == before


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_to_wait_is_given_the_time(catalogue, status):
    catalogue.host.faults["/shinkro"] = [Fault(status=status, retry_after="17")]
    assert catalogue.problem("shinkro") is None
    assert catalogue.waited == [17.0]
    assert catalogue.host.statuses("/shinkro") == [status, 200]


def test_a_server_that_asks_to_wait_for_long_is_left_until_the_next_run(catalogue):
    catalogue.host.faults["/shinkro"] = [Fault(status=429, retry_after="3600")]
    assert "HTTP 429" in catalogue.problem("shinkro")
    assert catalogue.waited == []
    assert catalogue.host.statuses("/shinkro") == [429]


def test_a_local_file_is_read_instead(catalogue, tmp_path):
    path = tmp_path / "own.txt"
    path.write_bytes(samples.RELATIONS)
    catalogue.sources["anime_relations"] = {"path": str(path)}
    assert catalogue.problem("anime_relations") is None
    assert catalogue.host.statuses("/anime_relations") == []
    path.unlink()
    assert "own.txt cannot be read" in catalogue.problem("anime_relations")


def test_a_copy_that_a_crash_tore_is_fetched_anew(catalogue, tmp_path):
    catalogue.refresh()
    copy = tmp_path / "sources" / "shinkro.data"
    copy.write_bytes(copy.read_bytes()[:50])
    catalogue.refresh()
    assert copy.read_bytes() == samples.SHINKRO
