"""Reading what media servers send: what counts, which ids are the show's, and nonsense."""

import json
import random
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest

from sync_assets.bangumi.custom.models import Action, MalformedEventError
from sync_assets.bangumi.custom.parsing import parse_event
from sync_assets.bangumi.matching import CustomItem, MediaType
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets.ledger.inbox import UNPARSED
from sync_assets.settings.bangumi import CustomSource
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

PLAYS = {
    CustomSource.PLEX: PLEX,
    CustomSource.EMBY: EMBY,
    CustomSource.JELLYFIN: JELLYFIN,
    CustomSource.TAUTULLI: TAUTULLI,
    CustomSource.CUSTOM: OWN,
}
TMDB_SHOW = Work(Provider.TMDB, WorkKind.SHOW, "100")
TVDB_SHOW = Work(Provider.TVDB, WorkKind.SHOW, "200")
TMDB_FILM = Work(Provider.TMDB, WorkKind.MOVIE, "500")
IMDB_FILM = Work(Provider.IMDB, WorkKind.MOVIE, "tt7654321")
EVENING = datetime(2026, 4, 9, 20, 49, 7, tzinfo=UTC)


def only(source, payload):
    (event,) = parse_event(source, payload).events
    return event


def works(source, payload):
    return set(only(source, payload).item.works)


@pytest.mark.parametrize("source", PLAYS)
def test_an_episode_that_was_watched(source):
    event = only(source, PLAYS[source])
    assert event.action is Action.WATCHED
    item = event.item
    assert (item.media_type, item.title) == (MediaType.EPISODE, "Star Kettle")
    assert (item.season, item.episode, item.user) == (1, 2, "Ann")
    premiere = date(2026, 4, 7) if source is CustomSource.EMBY else date(2026, 4, 8)
    assert item.release_date == premiere


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        (CustomSource.PLEX, PLEX_FILM),
        (CustomSource.EMBY, EMBY_FILM),
        (CustomSource.JELLYFIN, JELLYFIN_FILM),
        (CustomSource.TAUTULLI, TAUTULLI_FILM),
        (CustomSource.CUSTOM, {**OWN, "media_type": "movie", "title": "Star Kettle the Movie",
                               "release_date": "2026-08-01", "year": 2026,
                               "ids": {"tmdb": "500", "imdb": "tt7654321"}}),
    ],
)  # fmt: skip
def test_a_film_has_neither_season_nor_number_and_its_own_ids(source, payload):
    event = only(source, payload)
    item = event.item
    assert (item.media_type, item.title) == (MediaType.MOVIE, "Star Kettle the Movie")
    assert (item.season, item.episode) == (None, None)
    assert (item.year, item.release_date) == (2026, date(2026, 8, 1))
    assert set(item.works) == {TMDB_FILM, IMDB_FILM}


@pytest.mark.parametrize("source", [CustomSource.PLEX, CustomSource.EMBY, CustomSource.JELLYFIN])
def test_an_episode_s_own_ids_are_never_taken_for_the_show_s(source):
    assert works(source, PLAYS[source]) == set()


@pytest.mark.parametrize("source", [CustomSource.TAUTULLI, CustomSource.CUSTOM])
def test_ids_of_the_show_are(source):
    assert TMDB_SHOW in works(source, PLAYS[source])


@pytest.mark.parametrize(
    ("source", "payload", "moment"),
    [
        (CustomSource.EMBY, EMBY, EVENING),
        (CustomSource.JELLYFIN, JELLYFIN, EVENING),
        (CustomSource.TAUTULLI, TAUTULLI, EVENING),
        (CustomSource.CUSTOM, OWN, EVENING),
        (CustomSource.CUSTOM, {**OWN, "watched_at": "2026-04-09T22:49:07+02:00"}, EVENING),
        (CustomSource.CUSTOM, {**OWN, "watched_at": "yesterday"}, None),
        (CustomSource.TAUTULLI, {**TAUTULLI, "unixtime": "9" * 30}, None),
        (CustomSource.PLEX, PLEX, None),
    ],
)
def test_when_it_was(source, payload, moment):
    found = only(source, payload).occurred_at
    assert (found and found.replace(microsecond=0)) == moment


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        (CustomSource.PLEX, {**PLEX, "event": "media.play"}),
        (CustomSource.EMBY, {**EMBY, "Event": "playback.start", "PlaybackInfo": {}}),
        (CustomSource.JELLYFIN, {**JELLYFIN, "NotificationType": "PlaybackStart"}),
        (CustomSource.TAUTULLI, {**TAUTULLI, "action": "play"}),
        (CustomSource.CUSTOM, {**OWN, "action": "started"}),
    ],
)
def test_playing_begins(source, payload):
    assert only(source, payload).action is Action.STARTED


@pytest.mark.parametrize("played", [True, "True", "true"])
def test_jellyfin_marks_by_hand_and_forms_send_text(played):
    payload = {**JELLYFIN_MARKED, "Played": played, "EpisodeNumber": "02", "SeasonNumber": "1"}
    event = only(CustomSource.JELLYFIN, payload)
    assert (event.action, event.item.season, event.item.episode) == (Action.WATCHED, 1, 2)


@pytest.mark.parametrize(
    ("source", "payload"),
    [
        (CustomSource.PLEX, {**PLEX, "event": "media.pause"}),
        (CustomSource.PLEX, {**PLEX, "event": "library.new"}),
        (CustomSource.PLEX, changed(PLEX, "Metadata.type", "track")),
        (CustomSource.EMBY, {**EMBY, "Event": "item.markunplayed"}),
        (CustomSource.EMBY, {**EMBY, "PlaybackInfo": {"PlayedToCompletion": False}}),
        (CustomSource.EMBY, {**EMBY, "PlaybackInfo": {}}),
        (CustomSource.EMBY, changed(EMBY_FILM, "Item.Type", "Series")),
        (CustomSource.JELLYFIN, {**JELLYFIN, "NotificationType": "ItemAdded"}),
        (CustomSource.JELLYFIN, {**JELLYFIN, "PlayedToCompletion": False}),
        (CustomSource.JELLYFIN, {**JELLYFIN, "PlayedToCompletion": "False"}),
        (CustomSource.JELLYFIN, {**JELLYFIN_MARKED, "Played": False}),
        (CustomSource.JELLYFIN, {**JELLYFIN_MARKED, "SaveReason": "PlaybackProgress"}),
        (CustomSource.JELLYFIN, {**JELLYFIN, "ItemType": "Audio"}),
        (CustomSource.TAUTULLI, {**TAUTULLI, "action": "pause"}),
        (CustomSource.TAUTULLI, {**TAUTULLI, "media_type": "track"}),
    ],
)
def test_what_is_of_no_concern_is_ignored_with_a_reason(source, payload):
    parsed = parse_event(source, payload)
    assert parsed.events == ()
    assert parsed.ignored


@pytest.mark.parametrize(
    ("source", "payload", "named"),
    [
        (CustomSource.PLEX, {}, "event"),
        (CustomSource.PLEX, changed(PLEX, "Account", None), "title"),
        (CustomSource.PLEX, changed(PLEX, "Metadata.index", None), "index"),
        (CustomSource.PLEX, changed(PLEX, "Metadata.grandparentTitle", "  "), "grandparentTitle"),
        (CustomSource.EMBY, changed(EMBY, "Item.IndexNumber", -1), "IndexNumber"),
        (CustomSource.EMBY, changed(EMBY, "User", "Ann"), "Name"),
        (CustomSource.JELLYFIN, changed(JELLYFIN, "NotificationUsername", None), "Username"),
        (CustomSource.JELLYFIN, changed(JELLYFIN, "EpisodeNumber", 2.5), "EpisodeNumber"),
        (CustomSource.TAUTULLI, {**TAUTULLI, "episode_num": ""}, "episode_num"),
        (CustomSource.CUSTOM, {**OWN, "media_type": "song"}, "media_type"),
        (CustomSource.PLEX, {UNPARSED: "--x", "problem": "The body is not JSON."}, "not JSON"),
    ],
)
def test_what_cannot_be_understood_says_why(source, payload, named):
    with pytest.raises(MalformedEventError, match=named):
        parse_event(source, payload)


@pytest.mark.parametrize(
    ("source", "payload", "last"),
    [(CustomSource.JELLYFIN, JELLYFIN, "EpisodeNumberEnd"), (CustomSource.EMBY, EMBY, "")],
)
def test_a_file_of_two_episodes_is_two(source, payload, last):
    both = {**payload, last: 3} if last else changed(payload, "Item.IndexNumberEnd", 3)
    assert [each.item.episode for each in parse_event(source, both).events] == [2, 3]
    endless = {**payload, last: 999} if last else changed(payload, "Item.IndexNumberEnd", 999)
    assert [each.item.episode for each in parse_event(source, endless).events] == [2]


@pytest.mark.parametrize(
    ("guid", "expected"),
    [
        ("com.plexapp.agents.thetvdb://200/1/2?lang=en", TVDB_SHOW),
        ("com.plexapp.agents.themoviedb://100/1/2?lang=en", TMDB_SHOW),
        ("com.plexapp.agents.hama://tvdb-200/1/2?lang=en", TVDB_SHOW),
        ("com.plexapp.agents.hama://tvdb4-200/1/2?lang=en", None),
        ("com.plexapp.agents.hama://anidb-17/1/2?lang=en", None),
        ("plex://episode/615580a9fa828e7f1a0caabd", None),
    ],
)  # fmt: skip
def test_plex_s_older_agents_name_the_show(guid, expected):
    found = works(CustomSource.PLEX, changed(PLEX, "Metadata.guid", guid))
    assert found == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/anime/Star Kettle (2026) [tmdbid-100]/Season 01/S01E02.mkv", {TMDB_SHOW}),
        ("/anime/Star Kettle {tmdb-100}/S01E02.mkv", {TMDB_SHOW}),
        (r"\\nas\anime\Star Kettle [tmdbid=100]\Season 1\S01E02.mkv", {TMDB_SHOW}),
        ("/anime/Star Kettle/Season 1/S01E02 [tmdbid-4533239].mkv", set()),
        ("/anime/Star Kettle [tmdbid-abc]/S01E02.mkv", set()),
    ],
)
def test_folders_named_after_the_show_s_id_tell_it(path, expected):
    assert works(CustomSource.EMBY, changed(EMBY, "Item.Path", path)) == expected
    assert works(CustomSource.JELLYFIN, {**JELLYFIN, "Path": path}) == expected


def test_jellyfin_s_escaped_quotes_are_taken_away():
    """The plugin puts backslashes before quotes, and then writes JSON."""
    payload = json.loads(json.dumps({**JELLYFIN, "SeriesName": 'Star \\"Kettle\\"'}))
    assert only(CustomSource.JELLYFIN, payload).item.title == 'Star "Kettle"'


def test_items_without_ids_are_told_apart_by_their_day():
    old = CustomItem(MediaType.EPISODE, "Kettle", episode=1, release_date=date(1995, 4, 1))
    new = CustomItem(MediaType.EPISODE, "Kettle", episode=1, release_date=date(2026, 4, 1))
    assert old.as_watched_item().key != new.as_watched_item().key
    assert old.as_watched_item().season == 1


@pytest.mark.parametrize("source", PLAYS)
def test_no_nonsense_does_more_than_to_be_refused(source):
    """Any field of a play, also a nested one, replaced by anything that JSON can hold."""
    chance = random.Random(7)
    values = [
        None,
        True,
        0,
        -1,
        1.5,
        10**40,
        "",
        "x" * 2_000,
        "\uff12",
        [],
        [1],
        {},
        {"id": 5},
        [[]],
    ]
    payload = PLAYS[source]
    paths = [*payload, *(f"{a}.{b}" for a in payload if isinstance(payload[a], dict)
                         for b in payload[a])]  # fmt: skip
    for path in paths:
        for value in chance.sample(values, 6):
            broken = changed(payload, path, value)
            with suppress(MalformedEventError):
                parsed = parse_event(source, broken)
                assert bool(parsed.events) is (parsed.ignored is None)
