"""Release names are read whatever their form, and no text makes the reader fail."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_assets.watchlist.titles import EpisodeKind, Language, parse_release_name, tier_of

NUMBERS = [
    # Absolute numbers of anime groups.
    ("[Group] Hoshizora - 05 [720p][D07C91FC].mkv", None, "5"),
    ("[Group] Hoshizora - 00 (1080p) [ABCD1234].mkv", None, "0"),
    ("[Group] Hoshizora - 1080 (WEB 1080p)", None, "1080"),
    ("[Group] Hoshizora 05 [1080p]", None, "5"),
    ("[Group]_Hoshizora_05_(1280x720_x264-AAC)_[6B7FD717]", None, "5"),
    ("Hoshizora_-_05_(720p)_[Group].mkv", None, "5"),
    ("[Group] Hoshizora [13 END][GB][1080P]", None, "13"),
    ("[Group] Hoshizora #05 [1080p]", None, "5"),
    ("[Group] Hoshizora - Ep 5 [1080p]", None, "5"),
    ("Hoshizora.E05.1080p.WEB-DL.AAC2.0.H.264-GRP", None, "5"),
    ("Hoshizora Episode 123 VOSTFR", None, "123"),
    ("one-star-950", None, "950"),
    ("Hoshizora 143 VOSTFR", None, "143"),
    ("[Group] Hoshizora - 111C [1080p].mkv", None, "111C"),
    ("[Group] My Hoshi - \uff11\uff15\uff18 [1080p]", None, "158"),
    # Titles with numbers of their own.
    ("[Group] Area 88 - 07 [720p]", None, "7"),
    ("[Group] 07-Sora - 14 [720p]", None, "14"),
    ("[Group] 3-gatsu no Hoshi - 11 [1080p]", None, "11"),
    ("[Group] Kaze 22-7 - 05 [720p]", None, "5"),
    ("[Group] 86 - 01 [1080p]", None, "1"),
    ("[Group] Hoshizora - 05 - The 7 Samurai [720p]", None, "5"),
    ("[Group] Hoshizora 2019 - 05 (1080p)", None, "5"),
    ("[Group] Hoshizora 21 - 101 [480p].mkv", None, "101"),
    # Decimals and specials.
    ("[Group] Hoshizora - 12.5 [1080p]", None, "12.5"),
    ("[Group] Hoshizora OVA - 02 [720p]", None, "2"),
    ("[Group] Hoshizora SP03 [1080p]", None, "3"),
    ("[Group] Hoshizora S00E03 [1080p]", 0, "3"),
    # Seasons.
    ("Hoshizora.S01E05.VOSTFR.1080p.WEB.x264-GRP.mkv", 1, "5"),
    ("Hoshizora 1x05 - Le titre (1080p)", 1, "5"),
    ("[Group] Hoshizora S3 - 12 [720p]", 3, "12"),
    ("[Group] Hoshizora 2nd Season - 03 [1080p]", 2, "3"),
    ("[Group] Hoshizora Season 2 Part 2 - 05 [1080p]", 2, "5"),
    ("Hoshizora Saison 2 Episode 5 VF", 2, "5"),
    ("Hoshizora [HDTV 1080p][Cap.101](example.com)", 1, "1"),
    ("Hoshizora.103.hdtv-grp.mp4", 1, "3"),
    ("Hoshizora.3of9.1990.DVDRip.x264-GRP", 1, "3"),
    # Ranges and batches.
    ("[Group] Hoshizora (01-12) (1080p) [Batch]", None, "1-12"),
    ("[Group] Hoshizora 2 - 01~10 [1080p]", None, "1-10"),
    ("[Group] Hoshizora [01-12+SP][Ma10p_1080p][x265_flac]", None, "1-12"),
    ("[Group] Hoshizora 3rd Season (25-36) [1080p]", 3, "25-36"),
    ("[Group] Hoshizora - 12 & 13 [1080p]", None, "12-13"),
    ("[Group] 星空/Hoshizora II (00-12Fin WEBRIP 1080p AVC AAC MP4)", None, "0-12"),
    ("Hoshi.Anime.E05-E06.1080p.WEB-GRP", None, "5-6"),
    ("Hoshizora S02E01, E02, E03", 2, "1-3"),
    ("Hoshizora.S02E01E02.MULTI.1080p.BluRay.x264-ABC", 2, "1-2"),
    ("Hoshizora.S01E91-E100", 1, "91-100"),
    ("Hoshizora - S01E01-02-03", 1, "1-3"),
    # Chinese and Japanese forms.
    ("[TitleSub] 星空 第01话 1080P", None, "1"),
    ("[Group] 星空 第十二话 [1080p]", None, "12"),
    ("[Group] 星空 第12.5話 [1080p]", None, "12.5"),
    ("[Group] 星空 第01-12集 合集 [1080p]", None, "1-12"),
    ("[Group] 星空 全24话 [1080p]", None, "1-24"),
    ("[极光字幕组]星空 [第02季 第07集][BIG5]", 2, "7"),
    ("[Group] 星空 第二季 - 05 [1080P][CHT]", 2, "5"),
    ("【字幕社】★04月新番★[星空 / Hoshizora][10][1080p]", None, "10"),
    ("[桜都字幕组] 星空 / Hoshizora [10v2][1080p][简体内嵌]", None, "10"),
    ("[GM-Team][国漫][星空][Hoshizora][2019][215 END][AVC][GB][1080P]", None, "215"),
    # No episode at all.
    ("[Group] Hoshizora Vol.3 [BD 1080p]", None, ""),
    ("[Group] Hoshizora TV+OVA [BDRip 1080p]", None, ""),
    ("Hoshizora Movie 2019 1080p BluRay x264-GRP", None, ""),
    ("Hoshizora.S02.720p.BluRay.x264-GRP", 2, ""),
    ("0e895c37245186812cb08aab1529cf8ee389dd05.mkv", None, ""),
    ("[1080p][HEVC][AAC][MKV]", None, ""),
]


@pytest.mark.parametrize(("name", "season", "episodes"), NUMBERS)
def test_season_and_episode(name, season, episodes):
    read = parse_release_name(name)
    assert (read.season, str(read.episodes or "")) == (season, episodes)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("[Group-Raws] Hoshizora - 05 [720p]", "Group-Raws"),
        ("[喵萌奶茶屋&LoliHouse] 星空 / Hoshizora - 05 [WebRip 1080p]", "喵萌奶茶屋&LoliHouse"),
        ("Hoshizora.S01E05.1080p.WEB.x264-GRP.mkv", "GRP"),
        ("Hoshizora.S01E05.1080p.WEB-DL.DDP5.1.H.264-GRP-Obfuscated", "GRP"),
        ("Hoshizora S01E05 1080p WEB-DL AAC 2.0 x264-Two-raws", "Two-raws"),
        ("[ www.Example.com ] - Hoshizora.S01E05.720p.HDTV.X264-GRP", "GRP"),
        ("Hoshizora (2019) - S01E05 - Title (1080p WEB-DL x265 Someone).mkv", "Someone"),
        ("Hoshizora (2021) S01 (1080p BDRip x265 10bit - Someone)[Team]", "Team"),
        ("Hoshizora S01E05 English HDTV XviD LOL", None),
        ("Hoshizora S01E05 Episode Title", None),
        ("[1080p][HEVC][AAC][MKV]", None),
    ],
)
def test_group(name, group):
    assert parse_release_name(name).group == group


@pytest.mark.parametrize(
    ("name", "lines", "is_stated"),
    [
        ("[Group] Hoshizora - 05 [720p]", 720, True),
        ("[Group] Hoshizora - 05 (BD 1920x1080 x264)", 1080, True),
        ("[Group] Hoshizora - 05 [4K]", 2160, True),
        ("Hoshizora.S01E05.4Kto1080p.Webrip.x265-GRP", 1080, True),
        ("Hoshizora 05 vostfr FHD", 1080, True),
        ("[Group] Hoshizora - 05 [DVD][7F6170E6]", 480, False),
        ("Hoshizora S01E05[JP BD Remux]", 1080, False),
        ("Hoshizora.S01E05.xvid", 480, False),
        ("Hoshizora", None, False),
    ],
)
def test_resolution(name, lines, is_stated):
    read = parse_release_name(name)
    assert (read.resolution, read.is_resolution_stated) == (lines, is_stated)


@pytest.mark.parametrize(
    ("lines", "tier"),
    [(2160, 2160), (1440, 1080), (1072, 1080), (720, 720), (692, 720), (360, 480)],
)
def test_tiers(lines, tier):
    assert tier_of(lines) == tier


@pytest.mark.parametrize(
    ("name", "title", "others"),
    [
        ("[Group] Hoshizora no Uta - 05 [720p]", "Hoshizora no Uta", ()),
        ("[Group] 星空 第二季 / Hoshizora S2 - 10 [1080p]", "Hoshizora", ("星空",)),
        ("[Group] Hoshi [of] Zora - 05 [720p]", "Hoshi [of] Zora", ()),
        ("Hoshizora.no.Uta.S01E05.720p-GRP", "Hoshizora no Uta", ()),
        ("Episode 14 Hoshizora (saison 2) VOSTFR", "Hoshizora", ()),
        ("[字幕组][10月新番][星空之歌][18][720P]", "星空之歌", ()),
        ("[Group] Hoshizora (2019) - 05 (1080p)", "Hoshizora", ()),
        ("S01E04", None, ()),
    ],
)
def test_titles(name, title, others):
    read = parse_release_name(name)
    assert (read.title, read.alternative_titles) == (title, others)


def test_other_fields():
    read = parse_release_name("[Group] Hoshizora (2019) - 05v3 (BD 1080p) [CHS&JPN][ABCD1234].mkv")
    assert read.version == 3
    assert read.checksum == "ABCD1234"
    assert read.year == 2019
    assert read.source == "bluray"
    assert read.extension == "mkv"
    assert {Language.CHINESE_SIMPLIFIED, Language.JAPANESE} <= set(read.languages)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("[Group] Hoshizora - 05 [720p]", EpisodeKind.REGULAR),
        ("[Group] Hoshizora - 12.5 [720p]", EpisodeKind.REGULAR),
        ("[Group] Hoshizora OVA - 02 [720p]", EpisodeKind.SPECIAL),
        ("[Group] Hoshizora S00E03 [1080p]", EpisodeKind.SPECIAL),
        ("[Group] 星空 番外篇 [1080p]", EpisodeKind.SPECIAL),
        ("[Group] Hoshizora Movie [1080p]", EpisodeKind.MOVIE),
        ("[Group] 劇場版 星空 [1080p]", EpisodeKind.MOVIE),
        ("[Group] Hoshizora NCOP [BDRip 1080p]", EpisodeKind.EXTRA),
        ("[Group] Hoshizora PV2 [1080p]", EpisodeKind.EXTRA),
        ("[Group] Special A - 01 [1080p]", EpisodeKind.REGULAR),
    ],
)
def test_kind(name, kind):
    assert parse_release_name(name).kind is kind


def test_a_number_beside_a_season_counts_from_the_beginning():
    read = parse_release_name("[Group] Hoshizora S10E14 214")
    assert (read.season, str(read.episodes), str(read.absolute)) == (10, "14", "214")


def test_of_two_numbers_the_greater_counts_from_the_beginning():
    for name in ("[Group] Hoshi - 29 (04) [720p]", "[Group] Hoshi [04(29)][720p]"):
        read = parse_release_name(name)
        assert (str(read.episodes), str(read.absolute)) == ("4", "29")


def test_a_batch_is_known_as_one():
    assert parse_release_name("[Group] Hoshizora (01-12) [1080p]").is_batch
    assert parse_release_name("Hoshizora.S02.720p.BluRay.x264-GRP").is_batch
    assert not parse_release_name("[Group] Hoshizora - 05 [1080p]").is_batch


def test_two_readings_that_differ_are_left_for_review():
    read = parse_release_name("[Group] Area 88 07 [720p]")
    assert read.needs_review
    assert [reading.reader for reading in read.readings] == ["rules", "anitopy"]
    assert read.readings[0].episodes != read.readings[1].episodes


def test_a_form_that_leaves_no_doubt_needs_no_second_reader():
    read = parse_release_name("Hoshizora.S01E05.1080p.WEB.x264-GRP")
    assert read.readings == ()
    assert not read.needs_review


def test_a_range_holds_what_is_between():
    episodes = parse_release_name("[Group] Hoshizora (01-12) [1080p]").episodes
    assert episodes is not None
    assert Decimal(12) in episodes
    assert Decimal("6.5") in episodes
    assert Decimal(13) not in episodes


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=120)
    | st.lists(
        st.sampled_from(
            [
                *"[]() -_.~#第季话話集全/|&+",
                "S01",
                "E02",
                "12",
                "12.5",
                "1080p",
                "v2",
                "2019",
                "星",
                "OVA",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_no_text_makes_it_fail(text):
    read = parse_release_name(text)
    assert read.name == text


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5_000,
        "1-" * 5_000,
        "S01E01-" * 900,
        "a." * 5_000,
        "第" * 5_000,
        "0 " * 5_000,
        "(" * 999,
    ],
)
def test_long_rubbish_is_read_within_the_limit_of_a_test(text):
    assert parse_release_name(text).name == text
