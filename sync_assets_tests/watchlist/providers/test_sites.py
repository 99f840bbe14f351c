"""What is particular to single providers: traps of their pages, and how files are found."""

from decimal import Decimal

import pytest

from sync_assets.settings.watchlist import WatchlistSettings
from sync_assets.watchlist.providers import detect_provider, installed_providers
from sync_assets.watchlist.providers.animesama import (
    AnimesamaProvider,
    parse_hub,
    parse_names,
    parse_players,
)
from sync_assets.watchlist.providers.animeultime import (
    AnimeultimeProvider,
    parse_files,
    parse_qualities,
)
from sync_assets.watchlist.providers.conformance import ReplayClient
from sync_assets.watchlist.providers.feeds import FeedProvider
from sync_assets.watchlist.providers.html_index import parse_index
from sync_assets.watchlist.providers.models import (
    ListStatus,
    SeriesReference,
    Variant,
    VariantKind,
)
from sync_assets.watchlist.providers.nekosama import parse_embeds, parse_episodes
from sync_assets.watchlist.providers.pages import Page, absolute_url, decoded
from sync_assets.watchlist.providers.protocol import NotResolvableError
from sync_assets.watchlist.providers.registry import UnknownProviderError
from sync_assets.watchlist.providers.ytdlp import YtDlpProvider
from sync_assets.watchlist.titles import EpisodeKind
from sync_assets_tests.watchlist.providers import samples


def test_animesama_holes_of_every_kind_keep_their_numbers():
    assert parse_players("var eps1 = ['', null, , 'https://a.example/4'];") == {
        4: ("https://a.example/4",)
    }


def test_animesama_players_are_joined_in_order_and_comments_ignored():
    script = """
    // var eps1 = ['https://commented.example/1'];
    var eps10 = ['https://b.example/1'];
    var   eps2   =   [  'https://a.example/1' , "https://a.example/2" ];
    /* var eps3 = ['https://commented.example/2']; */"""
    assert parse_players(script) == {
        1: ("https://a.example/1", "https://b.example/1"),
        2: ("https://a.example/2",),
    }


def test_animesama_hub_without_the_template_and_scans():
    seasons = [(each.title, each.key, each.language) for each in parse_hub(samples.SAMA_HUB)]
    assert seasons == [("Saison 1", "saison1", "vostfr")]


def test_animesama_names_of_special_episodes():
    script = 'resetListe(); creerListe(1, 2); newSPF("Film 1"); finirListe(3);'
    assert parse_names(script, 4) == ("Episode 1", "Episode 2", "Film 1", "Episode 3")
    assert parse_names("", 2) == ("Episode 1", "Episode 2")
    assert parse_names("creerListe(1, 999999999);", 2) == ("Episode 1", "Episode 2")


def test_animesama_seasons_and_keys():
    client = ReplayClient(samples.SAMA_SAMPLE.pages)
    provider = AnimesamaProvider(samples.SAMA)
    (season,) = provider.seasons(samples.SAMA_SAMPLE.series, client)
    assert (season.key, season.number, season.languages) == ("saison1", 1, ("vostfr",))
    result = provider.episodes(samples.SAMA_SAMPLE.series, client)
    assert [each.key for each in result.episodes] == [
        "saison1:1:regular:vostfr",
        "saison1:3:regular:vostfr",
        "saison1:4:regular:vostfr",
    ]


def test_animesama_moves_to_another_host():
    provider = AnimesamaProvider("https://new.example")
    assert provider.current_url(samples.SAMA_PAGE).startswith("https://new.example/catalogue/")
    assert AnimesamaProvider().current_url(samples.SAMA_PAGE) == samples.SAMA_PAGE


def test_animesama_one_season_that_fails_leaves_the_others():
    hub = samples.SAMA_HUB.replace(
        "panneauScan", 'panneauAnime("Saison 2", "saison2/vostfr"); panneauScan'
    )
    pages = {
        **samples.SAMA_SAMPLE.pages,
        samples.SAMA_SERIES: samples.page(samples.SAMA_SERIES, hub),
    }
    result = AnimesamaProvider(samples.SAMA).episodes(
        samples.SAMA_SAMPLE.series, ReplayClient(pages)
    )
    assert result.status is ListStatus.BROKEN
    assert len(result.episodes) == 3
    assert result.state.keys() == {samples.SAMA_SCRIPT}


def test_nekosama_titles_hold_anything():
    text = '<script>var episodes = [{"num":1,"title":"a; ]; // b","url":"\\/e\\/1"}];</script>'
    assert [(each.number, each.title) for each in parse_episodes(text) or ()] == [
        (Decimal(1), "a; ]; // b")
    ]
    assert parse_embeds("<script>video[0] = 'https://a.example/e';</script>") == (
        "https://a.example/e",
    )


def test_nekosama_entries_of_other_forms():
    text = (
        '<script>var episodes = [1, {"url": null}, {"num": "NaN", "url": "/e"},'
        '{"episode": "Ep. 3", "url": "/f"}];</script>'
    )
    assert [each.number for each in parse_episodes(text) or ()] == [None, Decimal(3)]


def test_animeultime_files():
    files = parse_files(samples.ultime("Episode 12.5 vostfr", "OAV 2 vf", "Film vostfr"))
    assert files is not None
    assert [(each.number, each.kind) for each in files] == [
        (Decimal("12.5"), EpisodeKind.REGULAR),
        (Decimal(2), EpisodeKind.SPECIAL),
        (None, EpisodeKind.MOVIE),
    ]
    assert str(files[0].released) == "2026-10-03"


@pytest.mark.parametrize(
    ("wanted", "found"), [(None, "1080"), (720, "480"), (480, "480"), (240, "480")]
)
def test_animeultime_gives_the_wanted_quality_or_the_best_below(wanted, found):
    address = f"{samples.ULTIME}/info-0-1/0/x"
    player = '<div class="AUVideoPlayer" data-serie="55" data-focus="101" data-file=""></div>'
    answer = '{"title":"x","480p":{"mp4":{"url":"http://f/480"}},"1080p":{"mp4":{"url":"http://f/1080"}}}'
    client = ReplayClient(
        samples.pages(
            samples.page(address, player),
            samples.page(f"{samples.ULTIME}/VideoPlayer.html", answer),
        )
    )
    variant = Variant(address, VariantKind.PAGE, key=address, resolution=wanted)
    download = AnimeultimeProvider(samples.ULTIME).resolve(variant, client)
    assert download.uris == (f"http://f/{found}",)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"480p": 3}', '{"480p":{"mp4":{"url":4}}}'])
def test_animeultime_answers_of_other_forms(text):
    assert parse_qualities(text) == {}


LINK = '<a href="a%20-%2001.mkv">a - 01.mkv</a>'


@pytest.mark.parametrize(
    ("size", "title", "row"),
    [
        (1048576, "Index of /Hoshi/", f"{LINK}   01-Oct-2026 10:00   1048576\n"),
        (1048576, "Index of /Hoshi", f"<table><tr><td>{LINK}</td><td>2026</td><td>1.0M</td></tr>"),
        (None, "Directory listing for /Hoshi/", f"<ul><li>{LINK}</li></ul>"),
    ],
)  # fmt: skip
def test_indexes_of_nginx_apache_and_python(size, title, row):
    text = f"<html><head><title>{title}</title></head><body>{row}<a href='../'>..</a></body></html>"
    files = parse_index(samples.page("http://nas.example/Hoshi/", text))
    assert files is not None
    (file,) = files
    assert (file.name, file.url) == ("a - 01.mkv", "http://nas.example/Hoshi/a%20-%2001.mkv")
    assert file.size_bytes == size


def test_an_index_links_nowhere_else():
    text = samples.index("http://other.example/a.mkv", "/b.mkv", "c.mkv")
    files = parse_index(samples.page(samples.INDEX, text))
    assert [file.name for file in files or ()] == ["c.mkv"]


PLAYLIST = {
    "_type": "playlist",
    "title": "Hoshi",
    "entries": [
        {"title": "x", "series": "Hoshi", "season_number": 2, "episode_number": 3, "url": "https://v.example/3"},
        {"title": "Hoshi - Episode 4", "url": "https://v.example/4", "timestamp": 1e30},
        {"title": "no address"},
        None,
    ],
}  # fmt: skip


def test_ytdlp_playlists():
    provider = YtDlpProvider(extract=lambda _: PLAYLIST)
    result = provider.episodes(SeriesReference(samples.LIST), ReplayClient({}))
    assert result.status is ListStatus.OK
    assert [(each.season, each.number) for each in result.episodes] == [(2, 3), (None, 4)]


def test_ytdlp_that_is_not_there():
    def missing(_):
        raise NotResolvableError("yt-dlp is not installed.", remedy="Install it.")

    provider = YtDlpProvider(extract=missing)
    result = provider.episodes(SeriesReference(samples.LIST), ReplayClient({}))
    assert (result.status, result.episodes) == (ListStatus.BROKEN, ())
    assert "Install it." in result.message


def test_ytdlp_chooses_the_best_that_is_not_above_the_wanted():
    info = {
        "formats": [
            {"url": "https://f/360", "height": 360},
            {"url": "https://f/720", "height": 720, "http_headers": {"Referer": "https://v"}},
            {"url": "https://f/1080", "height": 1080},
            {"url": "https://f/sound", "vcodec": "none"},
        ]
    }
    variant = Variant(samples.LIST, VariantKind.PAGE, key="x", resolution=720)
    download = YtDlpProvider(extract=lambda _: info).resolve(variant, ReplayClient({}))
    assert (download.uris, download.headers) == (("https://f/720",), {"Referer": "https://v"})
    with pytest.raises(NotResolvableError):
        YtDlpProvider(extract=lambda _: {}).resolve(variant, ReplayClient({}))


def configured(**providers):
    return WatchlistSettings.model_validate({"providers": providers})


def test_installed_providers_and_those_that_are_switched_off():
    assert {"feed", "index", "ytdlp", "animesama", "nekosama", "animeultime"} <= set(
        installed_providers(WatchlistSettings())
    )
    assert "feed" not in installed_providers(configured(feed={"enabled": False}))
    with pytest.raises(UnknownProviderError, match="nobody"):
        installed_providers(configured(nobody={}))


def test_a_package_adds_a_provider_and_a_broken_one_harms_nobody(tmp_path, monkeypatch):
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[sync_assets.watchlist_providers]\nother = other_provider:Other\nbroken = not_there:X\n"
    )
    (tmp_path / "other_provider.py").write_text(
        "from sync_assets.watchlist.providers.feeds import FeedProvider\n"
        "class Other(FeedProvider):\n    id = 'other'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    settings = configured(other={"base_url": "https://o.example", "options": {"key": "value"}})
    providers = installed_providers(settings)
    other = providers["other"]
    assert isinstance(other, FeedProvider)
    assert (other.id, other.options) == ("other", {"key": "value"})
    assert "broken" not in providers


def test_detection_by_address_and_by_page():
    settings = configured(animesama={"base_url": samples.SAMA}, ytdlp={"enabled": False})
    providers = installed_providers(settings)
    by_address = detect_provider(samples.SAMA_SERIES, providers)
    assert (by_address.provider_id, by_address.is_certain) == ("animesama", True)
    likely = detect_provider(samples.FEED, providers)
    assert (likely.provider_id, likely.is_certain) == ("feed", False)
    pages = {**samples.FEED_SAMPLE.pages, **samples.INDEX_SAMPLE.pages, **samples.NEKO_SAMPLE.pages}
    client = ReplayClient(pages)
    for url, expected in (
        (samples.FEED, "feed"),
        (samples.INDEX, "index"),
        (samples.NEKO_SERIES, "nekosama"),
    ):
        found = detect_provider(url, providers, client)
        assert (found.provider_id, found.is_certain) == (expected, True)
    nothing = {"https://x.example": Page("https://x.example", b"hello")}
    assert (
        detect_provider("https://x.example", providers, ReplayClient(nothing)).provider_id is None
    )


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("星空".encode(), "text/html", "星空"),
        ("星空".encode("gb18030"), "text/html", "星空"),
        ("ほしぞらのうた".encode("cp932"), "text/html; charset=utf-8", "ほしぞらのうた"),
        ("ほし".encode("cp932"), "text/html; charset=Shift_JIS", "ほし"),
        (b'<meta charset="gbk">' + "星".encode("gbk"), "text/html", '<meta charset="gbk">星'),
        ("\ufeffx".encode("utf-16"), "text/html", "\ufeffx"),
        (b"\xff\xfe", "text/html; charset=nonsense", ""),
        ("été".encode("cp1252"), "text/html; charset=iso-8859-1", "été"),
    ],
)
def test_encodings(content, content_type, text):
    assert decoded(content, content_type).lstrip("\ufeff") == text.lstrip("\ufeff")


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("b.mkv", "https://x.example/a/b.mkv"),
        ("//y.example/b", "https://y.example/b"),
        ("", None),
        (None, None),
        ("http://[", None),
        ("javascript:alert(1)", None),
        ("mailto:a@b.example", None),
    ],
)
def test_links(address, whole):
    assert absolute_url("https://x.example/a/", address) == whole


def test_links_to_nowhere_harm_no_list():
    text = samples.index("http://[", "c.mkv")
    assert [file.name for file in parse_index(samples.page(samples.INDEX, text)) or ()] == ["c.mkv"]
    script = "var eps1 = ['http://[', 'https://a.example/2'];"
    result = AnimesamaProvider(samples.SAMA).episodes(
        samples.SAMA_SAMPLE.series, ReplayClient(samples.sama(script))
    )
    assert [each.number for each in result.episodes] == [2]
