"""What the four programs send for a play of Star Kettle 1x02, or of a film, as they document it."""

import copy
from typing import Any

PLEX: dict[str, Any] = {
    "event": "media.scrobble",
    "user": True,
    "owner": True,
    "Account": {"id": 1, "thumb": "https://plex.tv/users/1022b120ffbaa/avatar", "title": "Ann"},
    "Server": {"title": "Office", "uuid": "54664a3d8acc39983675640ec9ce00b70af9cc36"},
    "Player": {"local": True, "publicAddress": "192.0.2.7", "title": "Safari", "uuid": "r6yfkdn"},
    "Metadata": {
        "librarySectionType": "show",
        "librarySectionTitle": "Anime",
        "librarySectionID": 7,
        "ratingKey": "40294",
        "key": "/library/metadata/40294",
        "guid": "plex://episode/615580a9fa828e7f1a0caabd",
        "grandparentGuid": "plex://show/60e81fd8d8000e002d7d2976",
        "type": "episode",
        "title": "The Second Cup",
        "grandparentTitle": "Star Kettle",
        "parentTitle": "Season 1",
        "originalTitle": "星の茶壺",
        "index": 2,
        "parentIndex": 1,
        "viewCount": 1,
        "lastViewedAt": 1_775_160_000,
        "year": 2026,
        "originallyAvailableAt": "2026-04-08",
        "Guid": [{"id": "imdb://tt14765720"}, {"id": "tmdb://100"}, {"id": "tvdb://8530933"}],
    },
}
PLEX_FILM: dict[str, Any] = {
    **PLEX,
    "Metadata": {
        "librarySectionType": "movie",
        "librarySectionTitle": "Films",
        "guid": "plex://movie/5d776be17a53e9001e732ab9",
        "type": "movie",
        "title": "Star Kettle the Movie",
        "originalTitle": "劇場版 星の茶壺",
        "year": 2026,
        "originallyAvailableAt": "2026-08-01",
        "Guid": [{"id": "imdb://tt7654321"}, {"id": "tmdb://500"}],
    },
}
EMBY: dict[str, Any] = {
    "Title": "ann has finished playing Star Kettle - S1, Ep2 - The Second Cup on Emby Web",
    "Date": "2026-04-09T20:49:07.8523469Z",
    "Event": "playback.stop",
    "User": {"Name": "Ann", "Id": "e6a9dd89fd954d689870e7e0e3e72947"},
    "Item": {
        "Name": "The Second Cup",
        "ServerId": "f40a5bd0c6b64051bdbed00580fa1118",
        "Id": "240252",
        "PremiereDate": "2026-04-07T16:00:00.0000000Z",
        "Path": "/media/anime/Star Kettle (2026)/Season 1/Star Kettle - S01E02.mkv",
        "Genres": [],
        "ProductionYear": 2026,
        "IndexNumber": 2,
        "ParentIndexNumber": 1,
        "ProviderIds": {"Tmdb": "100", "Tvdb": "8530933"},
        "Type": "Episode",
        "SeriesName": "Star Kettle",
        "SeriesId": "240202",
        "SeasonId": "240203",
    },
    "Server": {"Name": "nas", "Id": "f40a5bd0c6b64051bdbed00580fa1118", "Version": "4.7.13.0"},
    "Session": {"Client": "Emby Web", "DeviceName": "Firefox", "Id": "c336b028b893558b333d1a4923"},
    "PlaybackInfo": {"PlayedToCompletion": True, "PositionTicks": 14_256_663_550},
}
EMBY_FILM: dict[str, Any] = {
    **EMBY,
    "Event": "item.markplayed",
    "Item": {
        "Name": "Star Kettle the Movie",
        "OriginalTitle": "劇場版 星の茶壺",
        "PremiereDate": "2026-08-01T00:00:00.0000000Z",
        "Path": "/media/films/Star Kettle the Movie (2026)/Star Kettle the Movie (2026).mkv",
        "ProductionYear": 2026,
        "ProviderIds": {"Tmdb": "500", "Imdb": "tt7654321"},
        "Type": "Movie",
    },
}
JELLYFIN: dict[str, Any] = {
    "ServerId": "51d5a9ee9ef24c9f8f5a5bd0c6b64051",
    "ServerName": "nas",
    "ServerVersion": "10.11.3",
    "ServerUrl": "http://jellyfin.lan:8096",
    "NotificationType": "PlaybackStop",
    "Timestamp": "2026-04-09T22:49:07.8523469+02:00",
    "UtcTimestamp": "2026-04-09T20:49:07.8523469Z",
    "Name": "The Second Cup",
    "ItemId": "7f5c5b0c2a5c4d3d8f0e1c2b3a495867",
    "ItemType": "Episode",
    "RunTimeTicks": 14_400_000_000,
    "Year": 2026,
    "PremiereDate": "2026-04-08",
    "SeriesName": "Star Kettle",
    "SeasonNumber": 1,
    "SeasonNumber00": "01",
    "EpisodeNumber": 2,
    "EpisodeNumber00": "02",
    "Provider_tmdb": "100",
    "Provider_tvdb": "8530933",
    "PlaybackPositionTicks": 14_300_000_000,
    "PlayedToCompletion": True,
    "NotificationUsername": "Ann",
    "UserId": "0aa1bb2c3d4e5f60718293a4b5c6d7e8",
}
JELLYFIN_MARKED: dict[str, Any] = {
    **{name: value for name, value in JELLYFIN.items() if name != "PlayedToCompletion"},
    "NotificationType": "UserDataSaved",
    "SaveReason": "TogglePlayed",
    "Played": True,
    "PlayCount": 1,
    "Favorite": False,
}
JELLYFIN_FILM: dict[str, Any] = {
    "NotificationType": "PlaybackStop",
    "UtcTimestamp": "2026-09-01T20:00:00.0000000Z",
    "Name": "Star Kettle the Movie",
    "ItemType": "Movie",
    "Year": 2026,
    "PremiereDate": "2026-08-01",
    "Provider_tmdb": "500",
    "Provider_imdb": "tt7654321",
    "PlayedToCompletion": True,
    "NotificationUsername": "Ann",
}
TAUTULLI: dict[str, Any] = {
    "action": "watched",
    "username": "Ann",
    "media_type": "episode",
    "show_name": "Star Kettle",
    "title": "Star Kettle - The Second Cup",
    "original_title": "",
    "season_num": "1",
    "episode_num": "2",
    "air_date": "2026-04-08",
    "release_date": "2026-04-08",
    "year": "2026",
    "themoviedb_id": "100",
    "thetvdb_id": "200",
    "imdb_id": "",
    "library_name": "Anime",
    "unixtime": "1775767747",
}
TAUTULLI_FILM: dict[str, Any] = {
    **TAUTULLI,
    "media_type": "movie",
    "show_name": "",
    "title": "Star Kettle the Movie",
    "original_title": "劇場版 星の茶壺",
    "season_num": "",
    "episode_num": "",
    "air_date": "",
    "release_date": "2026-08-01",
    "themoviedb_id": "500",
    "thetvdb_id": "",
    "imdb_id": "tt7654321",
    "library_name": "Films",
}
OWN: dict[str, Any] = {
    "media_type": "episode",
    "action": "watched",
    "title": "Star Kettle",
    "original_title": "星の茶壺",
    "season": 1,
    "episode": 2,
    "release_date": "2026-04-08",
    "ids": {"tmdb": "100"},
    "user": "Ann",
    "source": "kodi",
    "watched_at": "2026-04-09T20:49:07Z",
}


def changed(payload: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a payload with one field changed, such as `Metadata.type`; None removes it."""
    copied = copy.deepcopy(payload)
    *parents, name = path.split(".")
    place = copied
    for parent in parents:
        place = place[parent]
    place[name] = value
    if value is None:
        del place[name]
    return copied
