"""From a webhook over the inbox and a run to Bangumi, with Dagster and the server in process."""

import json

import dagster as dg
import pytest
from starlette.testclient import TestClient

from sync_assets.bangumi import matching_stage
from sync_assets.bangumi.errors import BangumiUnavailableError
from sync_assets.catalog.models import SubjectKind
from sync_assets.commands import bangumi_undo
from sync_assets.definitions import build_defs
from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.server.app import create_app
from sync_assets.settings import load_settings
from sync_assets.settings.problems import ConfigurationError
from sync_assets_tests.bangumi.building import day
from sync_assets_tests.bangumi.custom.payloads import (
    EMBY,
    EMBY_FILM,
    JELLYFIN,
    JELLYFIN_FILM,
    JELLYFIN_MARKED,
    OWN,
    PLEX,
    PLEX_FILM,
    TAUTULLI,
    TAUTULLI_FILM,
    changed,
)
from sync_assets_tests.bangumi.matching.building import FILM, SHOW, Catalogue
from sync_assets_tests.bangumi.trakt_rows import play, write_history
from sync_assets_tests.server.process import free_port
from sync_assets_tests.upstreams.bangumi import TOKEN, Entry, Fault

WEBHOOKS = "/api/v1/webhook"
CUSTOM = "/api/v1/custom"
WRITES = "P* /v0/users/*"
STAGES = ("custom", "matches", "plan", "reports")
CONFIGURATION = """
home = "home"
[dagster]
port = {port}
[bangumi]
dry_run = false
base_url = "{url}"
[bangumi.accounts.alice]
access_token = "{token}"
[bangumi.custom.users]
Ann = "alice"
"""


def plex_form(payload):
    """What Plex sends: the JSON is one part, a poster another."""
    poster = ("thumb.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\r\n--x\r\n", "image/jpeg")
    return {"files": {"payload": (None, json.dumps(payload), "application/json"), "thumb": poster}}


def form(payload):
    """What a destination Generic Form of Jellyfin's plugin sends."""
    return {"data": {name: str(value) for name, value in payload.items()}}


class World:
    """A person with a media server and an account of Bangumi, and none of Trakt."""

    def __init__(self, server, directory, instance, new_home):
        self.instance = instance
        self.path = directory / "sync.toml"
        values = {"port": free_port(), "url": server.url, "token": TOKEN}
        self.path.write_text(CONFIGURATION.format(**values))
        self.settings = load_settings()
        new_home(self.settings)
        catalogue = Catalogue(self.settings.catalog_directory / "index.sqlite")
        catalogue.subject(
            1, "星の茶壺", titles=("Star Kettle",), episodes=12, begin=day("2026-04-01")
        )
        catalogue.link("anime_lists", 1, SHOW, season=1, first=1)
        catalogue.subject(5, "劇場版 星の茶壺", kind=SubjectKind.MOVIE, begin=day("2026-08-01"))
        catalogue.link("bangumi_data", 5, FILM)
        assert catalogue.index is not None
        catalogue.close()
        server.add_subject(1, 12)
        server.add_subject(5, 1)
        self.ledger = Ledger.open(self.settings.ledger_url)
        with self.ledger.write() as connection:
            _, token = create_token(connection, "media server", Scope.INGEST)
        self.headers = {"Authorization": f"Bearer {token}"}

    def reconfigure(self, before, after):
        """Change the configuration in one place."""
        text = self.path.read_text()
        assert before in text
        self.path.write_text(text.replace(before, after))
        self.settings = load_settings()

    def post(self, path, **body):
        with TestClient(create_app(self.settings)) as client:
            answer = client.post(path, headers=self.headers, **body)
        assert answer.status_code == 202
        return answer.json()

    def run(self, job="custom_to_bangumi"):
        resolved = build_defs(self.settings).resolve_job_def(job)
        return resolved.execute_in_process(
            instance=self.instance, partition_key="alice", raise_on_error=False
        )

    def numbers(self, stage):
        key = dg.AssetKey(["bangumi", stage])
        event = self.instance.get_latest_materialization_event(key)
        return {name: each.value for name, each in event.asset_materialization.metadata.items()}

    def sensor(self):
        """Return the key of the run that the sensor asks for, or why it asks for none."""
        definitions = build_defs(self.settings)
        sensor = definitions.resolve_sensor_def("custom_to_bangumi_sensor")
        resources = {"ledger": (definitions.resources or {})["ledger"]}
        with dg.build_sensor_context(
            instance=self.instance, resources=resources, definitions=definitions
        ) as context:
            tick = sensor.evaluate_tick(context)
        return tick.run_requests[0].run_key if tick.run_requests else tick.skip_message


@pytest.fixture
def world(server, tmp_path, monkeypatch, new_home):
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    with dg.DagsterInstance.ephemeral() as instance:
        made = World(server, tmp_path, instance, new_home)
        yield made
        made.ledger.close()


def test_every_server_s_play_of_an_episode_is_marked_and_only_once(world, server):
    """Five programs tell of the same episode, one after the other."""
    posts = [
        (f"{WEBHOOKS}/plex", plex_form(PLEX)),
        (f"{WEBHOOKS}/emby", {"json": EMBY}),
        (f"{WEBHOOKS}/jellyfin", {"json": JELLYFIN}),
        (f"{WEBHOOKS}/jellyfin", form(JELLYFIN_MARKED)),
        (f"{WEBHOOKS}/tautulli", {"json": TAUTULLI}),
        (CUSTOM, {"json": OWN}),
    ]
    asked = None
    for path, body in posts:
        world.post(path, **body)
        assert world.run().success
        assert server.watched(1) == [2], path
        assert asked in (None, len(server.requests)), path
        asked = len(server.requests)
    assert server.marks == {102: 1}
    assert server.entries == {1: Entry(3)}
    assert world.numbers("matches")["status_matched"] == world.numbers("matches")["items"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{WEBHOOKS}/plex", plex_form(PLEX)),
        (f"{WEBHOOKS}/emby", {"files": {"data": (None, json.dumps(EMBY))}}),
        (f"{WEBHOOKS}/jellyfin", form(JELLYFIN)),
        (f"{WEBHOOKS}/tautulli", {"json": TAUTULLI}),
        (CUSTOM, {"json": OWN}),
    ],
)
def test_each_alone_leads_to_the_mark(world, server, path, body):
    world.post(path, **body)
    assert world.run().success
    assert server.watched(1) == [2]
    assert server.search_hits == []
    assert not [each for each in server.requests if "search" in each]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{WEBHOOKS}/plex", plex_form(PLEX_FILM)),
        (f"{WEBHOOKS}/emby", {"json": EMBY_FILM}),
        (f"{WEBHOOKS}/jellyfin", {"json": JELLYFIN_FILM}),
        (f"{WEBHOOKS}/tautulli", {"json": TAUTULLI_FILM}),
    ],
)
def test_a_film_is_found_by_its_ids_and_is_seen(world, server, path, body):
    world.post(path, **body)
    assert world.run().success
    assert server.watched(5) == [1]
    assert server.entries == {5: Entry(2)}
    assert world.numbers("matches")["method_movie"] == 1


def test_the_same_event_again_is_one_and_asks_nothing(world, server):
    first = world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    assert (first["duplicate"], first["understood"]) == (False, True)
    assert world.run().success
    asked = len(server.requests)
    assert world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)["duplicate"] is True
    assert world.run().success
    assert len(server.requests) == asked
    assert world.numbers("custom")["items"] == 1


def test_what_trakt_and_a_media_server_tell_is_marked_once(world, server):
    write_history(world.settings.lake_directory, "alice", play(1, 2), play(2, 3))
    world.post(f"{WEBHOOKS}/tautulli", json=TAUTULLI)
    assert world.run().success
    assert server.watched(1) == [2, 3]
    assert server.marks == {102: 1, 103: 1}
    assert world.numbers("matches")["items"] == 3


def test_the_job_of_trakt_takes_them_along_without_an_account_of_trakt(world, server):
    world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    assert world.run("trakt_to_bangumi").success
    assert server.watched(1) == [2]


def test_without_any_play_a_run_does_nothing_and_is_well(world, server):
    assert world.run().success
    assert server.requests == []


def test_a_start_is_reported_as_watching(world, server):
    world.post(f"{WEBHOOKS}/jellyfin", json={**JELLYFIN, "NotificationType": "PlaybackStart"})
    assert world.run().success
    assert server.entries == {1: Entry(3)}
    assert server.watched(1) == []


def test_unknown_users_are_counted_and_named(world, server):
    guest = {**JELLYFIN, "NotificationUsername": "gu*est"}
    world.post(f"{WEBHOOKS}/jellyfin", json=guest)
    assert world.run().success
    numbers = world.numbers("custom")
    assert (numbers["ignored"], numbers["ignored_unknown_user"], numbers["items"]) == (1, 1, 0)
    assert numbers["unknown_users"] == r"* jellyfin:gu\*est: 1"
    assert server.requests == []


def test_what_cannot_be_parsed_is_accepted_and_fails_visibly(world, server):
    answer = world.post(f"{WEBHOOKS}/plex", content=b'{"event": "media.scrobble", ')
    assert answer["understood"] is False
    world.post(f"{WEBHOOKS}/emby", json=EMBY)
    assert world.run().success
    assert server.watched(1) == [2]
    numbers = world.numbers("custom")
    assert numbers["failed"] == 1
    assert "not JSON" in numbers["failures"]
    report = json.loads((world.settings.home / "health.json").read_text())
    assert report["domains"]["bangumi"]["status"] == "degraded"


def test_what_is_ambiguous_waits_for_review_and_your_rule_answers_it(world, server):
    remake = changed(PLEX, "Metadata.originallyAvailableAt", "2031-01-01")
    world.post(f"{WEBHOOKS}/plex", **plex_form(remake))
    assert world.run().success
    assert world.numbers("matches")["status_review"] == 1
    assert server.count(WRITES) == 0
    world.settings.overrides_path.write_text(
        '[[rule]]\ntitle = "Star Kettle"\nseason = 1\nsubject = 1\n'
    )
    assert world.run().success
    assert server.watched(1) == [2]


def test_a_dry_run_stops_at_the_plan(world, server):
    world.reconfigure("dry_run = false", "dry_run = true")
    world.post(f"{WEBHOOKS}/emby", json=EMBY)
    assert world.run().success
    assert "Star Kettle 1x02" in world.numbers("plan")["plan"]
    assert server.count(WRITES) == 0
    assert world.sensor() == "Nothing waits that a media server has sent."


def test_a_run_can_be_undone_and_what_is_watched_again_comes_back(world, server, capsys):
    world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    result = world.run()
    assert bangumi_undo.main([result.run_id, "--apply"]) == 0
    assert "taken back" in capsys.readouterr().out
    assert server.watched(1) == []
    assert world.run().success
    assert server.watched(1) == []
    again = {**JELLYFIN, "UtcTimestamp": "2026-05-09T20:49:07Z"}
    world.post(f"{WEBHOOKS}/jellyfin", json=again)
    assert world.run().success
    assert server.watched(1) == [2]


def test_the_sensor_starts_what_waits_in_the_inbox(world):
    assert world.sensor() == "Nothing waits that a media server has sent."
    world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    key = world.sensor()
    assert key.startswith("custom_to_bangumi:1:")
    assert world.sensor() == key
    assert world.run().success
    assert world.sensor() == "Nothing waits that a media server has sent."


@pytest.mark.parametrize("point", ["before the matching", "while sending"])
def test_a_run_that_ended_in_between_is_followed_by_another(world, server, monkeypatch, point):
    world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    if point == "while sending":
        server.faults.append(Fault("429", "PATCH */1/*"))
    with monkeypatch.context() as patched:
        if point == "before the matching":
            unavailable = BangumiUnavailableError("Gone.", remedy="Wait.")

            def fail(*_):
                raise unavailable

            patched.setattr(matching_stage, "read_overrides", fail)
        assert not world.run().success
    assert server.watched(1) == []
    assert world.sensor().startswith("custom_to_bangumi:again:1:")
    if point == "while sending":
        with world.ledger.write() as connection:
            connection.exec_driver_sql("UPDATE rate_budgets SET blocked_until = 0")
    assert world.run().success
    assert server.watched(1) == [2]
    assert server.marks == {102: 1}
    assert world.sensor() == "Nothing waits that a media server has sent."


def test_paused_accounts_keep_their_items_for_later(world, server):
    world.post(f"{WEBHOOKS}/jellyfin", json=JELLYFIN)
    assert world.run().success
    asked = len(server.requests)
    later = {**JELLYFIN, "EpisodeNumber": 3}
    world.post(f"{WEBHOOKS}/jellyfin", json=later)
    token = f'access_token = "{TOKEN}"'
    world.reconfigure(token, "paused = true")
    assert world.run().success
    assert len(server.requests) == asked
    world.reconfigure("paused = true", token)
    assert world.run().success
    assert server.watched(1) == [2, 3]


def test_without_a_user_there_is_no_sensor_and_a_user_needs_an_account(world):
    assert "custom_to_bangumi_sensor" in sensors(world)
    world.reconfigure('Ann = "alice"', "")
    assert "custom_to_bangumi_sensor" not in sensors(world)
    with pytest.raises(ConfigurationError, match=r"there is no table accounts\.nobody"):
        world.reconfigure("[bangumi.custom.users]", '[bangumi.custom.users]\nAnn = "nobody"')


def sensors(world):
    return {each.name for each in build_defs(world.settings).get_repository_def().sensor_defs}
