"""Small made-up files in each source's format, about two made-up shows.

"Star Kettle" (TMDB 100, TheTVDB 200, Trakt 300) has two cours of 12 and 13 episodes, subjects 11
and 12, which TMDB has as one season, and a special, subject 13. "Star Kettle the Movie" is 14.
"""

import json

BANGUMI_DATA = json.dumps(
    {
        "siteMeta": {},
        "items": [
            {
                "title": "星のやかん",
                "titleTranslate": {"en": ["Star Kettle"], "zh-Hant": ["星星水壺"]},
                "type": "tv",
                "begin": "2020-01-05T15:30:00.000Z",
                "end": "2020-03-22T15:30:00.000Z",
                "broadcast": "R/2020-01-05T15:30:00.000Z/P7D",
                "sites": [
                    {"site": "bangumi", "id": "11"},
                    {"site": "tmdb", "id": "tv/100"},
                    {"site": "mal", "id": "1011"},
                    {"site": "anidb", "id": "2011"},
                    {"site": "aniList", "id": "3011"},
                ],
            },
            {
                "title": "星のやかん 第2期",
                "titleTranslate": {},
                "type": "tv",
                "begin": "2021-01-03T15:30:00.000Z",
                "end": "2021-03-28T15:30:00.000Z",
                "sites": [
                    {"site": "bangumi", "id": "12"},
                    {"site": "tmdb", "id": "tv/100"},
                    {"site": "mal", "id": "1012"},
                    {"site": "anidb", "id": "2012"},
                    {"site": "aniList", "id": "3012"},
                ],
            },
            {
                "title": "星のやかん OVA",
                "type": "ova",
                "begin": "2020-08-01T00:00:00.000Z",
                "end": "",
                "sites": [
                    {"site": "bangumi", "id": "13"},
                    {"site": "tmdb", "id": "tv/100/season/0/episode/2"},
                ],
            },
            {
                "title": "劇場版 星のやかん",
                "type": "movie",
                "begin": "2022-07-01T00:00:00.000Z",
                "end": "",
                "sites": [{"site": "bangumi", "id": "14"}, {"site": "tmdb", "id": "movie/500"}],
            },
            {"title": "Nowhere", "type": "tv", "begin": "", "end": "", "sites": []},
        ],
    }
).encode()

EXTLINKER = json.dumps(
    [
        {"name": "星のやかん", "name_cn": "星之水壶", "date": "2020-01", "bgm_id": "11",
         "mal_id": "1011", "tmdb_id": "tv/100/season/1", "tvdb_id": "200", "imdb_id": "tt0000100"},
        {"name": "劇場版 星のやかん", "name_cn": "", "date": "", "bgm_id": "14",
         "tmdb_id": "movie/500", "imdb_id": "tt0000500"},
    ]
).encode()  # fmt: skip

ANIME_LISTS = b"""<?xml version="1.0" encoding="utf-8"?>
<anime-list>
  <anime anidbid="2011" tvdbid="200" defaulttvdbseason="1" tmdbtv="100" tmdbseason="1">
    <name>Hoshi no Yakan</name>
    <mapping-list>
      <mapping anidbseason="0" tvdbseason="0" tmdbseason="0">;1-7;2-8+9;</mapping>
      <mapping anidbseason="1" tvdbseason="1" start="1" end="6"/>
      <mapping anidbseason="1" tvdbseason="2" start="7" end="12" offset="-6"/>
    </mapping-list>
  </anime>
  <anime anidbid="2012" tvdbid="200" defaulttvdbseason="3" tmdbtv="100" tmdbseason="1"
    tmdboffset="12"><name>Hoshi no Yakan 2</name></anime>
  <anime anidbid="2014" tvdbid="movie" tmdbid="500,501" imdbid="tt0000500"><name>M</name></anime>
  <anime anidbid="unknown" tvdbid=""><name>Nothing</name></anime>
</anime-list>
"""

ANIBRIDGE = b"""
$schema:
  version: 3.0.0
anilist:3012:
  mal:1012:
    "1-13": "1-13"
  tmdb_show:100:s1:
    "1-13": "13-25"
  tvdb_show:200:s3:
    "1-": "1-"
  tmdb_show:100:s0:
    "1-2": "5|-2"
anilist:3014:
  mal:1099:
    "2": "1"
  tmdb_movie:500:
    "1": "1"
"""

RENSETSU_SHOWS = json.dumps(
    [
        {
            "myanimelist": {"title": "Hoshi no Yakan", "id": 1011},
            "trakt": {
                "title": "Star Kettle",
                "id": 300,
                "season": {"id": 9, "number": 1},
                "is_split_cour": False,
            },
            "externals": {"tvdb": 200, "tmdb": 100, "imdb": "tt0000100", "tvrage": None},
        },
        {
            "myanimelist": {"title": "Hoshi no Yakan 2", "id": 1012},
            "trakt": {"title": "Star Kettle", "id": 300, "season": None, "is_split_cour": True},
            "externals": {"tmdb": 100},
        },
    ]
).encode()

SHINKRO = b"""
AnimeMap:
    - malid: 1011
      title: Hoshi no Yakan
      tvdbid: 200
      tvdbseason: 0
      start: 0
      useMapping: true
      animeMapping:
        - tvdbseason: 1
          start: 0
        - tvdbseason: 2
          start: 7
        - tvdbseason: 0
          start: 0
          mappingType: explicit
          explicitEpisodes:
            3: 12
        - tvdbseason: 4
          start: 1
          skipMalEpisodes: [2]
    - malid: 1012
      title: Hoshi no Yakan 2
      tvdbid: 200
      tvdbseason: 3
      start: 0
      useMapping: false
      animeMapping: []
"""

RELATIONS = b"""
::meta
- version: 1.3.0
::rules
# Star Kettle -> ~ 2
- 1011|77|3011:13-25 -> 1012|78|3012:1-13!
- ?|79|?:13 -> ?|80|?:1
- 1011|77|3011:26-? -> ~|~|~:1
"""

COUNTS = b'{"3011": 12, "3012": 13, "3099": null}'

FILES = {
    "bangumi_data": BANGUMI_DATA,
    "bangumi_extlinker": EXTLINKER,
    "anime_lists": ANIME_LISTS,
    "anibridge": ANIBRIDGE,
    "rensetsu_shows": RENSETSU_SHOWS,
    "rensetsu_movies": b"[]",
    "shinkro": SHINKRO,
    "anime_relations": RELATIONS,
    "episode_counts": COUNTS,
}
