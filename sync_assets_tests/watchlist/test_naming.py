"""What files are called, whatever their titles hold."""

from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest

from sync_assets.settings.watchlist_templates import (
    DEFAULT_FILE,
    DEFAULT_FOLDER,
    valid_file_template,
    valid_folder_template,
)
from sync_assets.watchlist.naming import EpisodeFile, folder_of, name_of
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

FULL = "[{group}] {title} - {episode}{version} - {episode_title} ({resolution}) [{language}]"


def file(title: str = "Hoshizora", number: str = "5", **values: Any) -> EpisodeFile:
    season, kind = values.pop("season", None), values.pop("kind", EpisodeKind.REGULAR)
    return EpisodeFile(title, EpisodeNumber(season, Decimal(number), kind), **values)


def test_the_usual_templates() -> None:
    assert folder_of(DEFAULT_FOLDER, file()) == PurePosixPath("Hoshizora/Season 01")
    assert name_of(DEFAULT_FILE, file(season=2), ".mkv") == "Hoshizora - S02E05.mkv"


@pytest.mark.parametrize(("number", "shown"), [("0", "00"), ("12.5", "12.5"), ("100", "100")])
def test_numbers_sort_and_stay_what_they_are(number: str, shown: str) -> None:
    assert name_of(DEFAULT_FILE, file(number=number), ".mkv") == f"Hoshizora - S01E{shown}.mkv"


def test_specials_are_in_season_zero() -> None:
    special = file(kind=EpisodeKind.SPECIAL)
    assert name_of(DEFAULT_FILE, special, ".mkv") == "Hoshizora - S00E05.mkv"


def test_a_film_is_called_by_its_title() -> None:
    film = EpisodeFile("Hoshizora", EpisodeNumber(None, None, EpisodeKind.MOVIE))
    assert name_of(DEFAULT_FILE, film, ".mkv") == "Hoshizora.mkv"


def test_all_fields_and_what_empty_ones_leave() -> None:
    full = file(group="A", version=2, episode_title="Dawn", resolution=1080, language="en")
    assert name_of(FULL, full, ".mkv") == "[A] Hoshizora - 05v2 - Dawn (1080p) [en].mkv"
    assert name_of(FULL, file(), ".mkv") == "Hoshizora - 05.mkv"


@pytest.mark.parametrize(
    "title",
    ["../../etc/passwd", "..", "/", "a\x00b", "con", "NUL.txt", "a:b*c?", ".hidden", "x\u202eab"],
)
def test_no_title_leads_anywhere_or_is_refused_by_a_disk(title: str) -> None:
    folder = folder_of(DEFAULT_FOLDER, file(title))
    assert len(folder.parts) == 2
    for part in (*folder.parts, name_of(DEFAULT_FILE, file(title), ".mkv")):
        assert part not in {"", ".", ".."}
        assert not part.startswith((".", " "))
        assert not set(part) & set('<>:"/\\|?*\x00\u202e')
        assert part.partition(".")[0].lower() not in {"con", "nul"}


@pytest.mark.parametrize("title", ["星" * 300, "e\u0301" * 300, "👩‍👩‍👧" * 60])
def test_long_titles_are_cut_and_numbers_are_not(title: str) -> None:
    names = {name_of(DEFAULT_FILE, file(title, str(number)), ".mkv") for number in range(1, 4)}
    assert len(names) == 3
    for name in names:
        assert len(name.encode()) <= 200
        assert name.endswith(("E01.mkv", "E02.mkv", "E03.mkv"))
    assert all(len(part.encode()) <= 200 for part in folder_of(DEFAULT_FOLDER, file(title)).parts)


def test_two_long_names_stay_apart() -> None:
    names = {
        name_of("{episode} {episode_title}", file(episode_title="x" * 300 + end), ".mkv")
        for end in "ab"
    }
    assert len(names) == 2


@pytest.mark.parametrize(
    "template", ["{unknown}", "{title", "../{title}", "/{title}", "{title!r}", "", "a\\b"]
)
def test_folder_templates_that_lead_elsewhere_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        valid_folder_template(template)


@pytest.mark.parametrize("template", ["{title}", "{title}/{episode}", "{episode:03}", "{0}"])
def test_file_templates_that_tell_no_episodes_apart_are_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        valid_file_template(template)
