"""Names of .strm files: deterministic, apart from each other, never too long."""

import random

from hypothesis import given
from hypothesis import strategies as st

from sync_assets.strm.naming import MAXIMUM_NAME_BYTES, strm_names

NAMES = st.sets(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
        lambda name: name not in (".", "..") and len(name.encode()) <= MAXIMUM_NAME_BYTES
    ),
    max_size=12,
)


def test_the_extension_gives_way() -> None:
    assert strm_names(["Film (2026).mkv"]) == {"Film (2026).strm": "Film (2026).mkv"}


def test_of_two_with_one_stem_the_first_keeps_the_name() -> None:
    assert strm_names(["a.mp4", "a.mkv"]) == {"a.strm": "a.mkv", "a.mp4.strm": "a.mp4"}


def test_the_image_of_a_disc_keeps_its_extension_which_players_need() -> None:
    assert strm_names(["Film.iso", "Film.mkv", "Other.ISO"]) == {
        "Film.iso.strm": "Film.iso",
        "Film.strm": "Film.mkv",
        "Other.ISO.strm": "Other.ISO",
    }


def test_a_reserved_name_is_given_to_none() -> None:
    assert strm_names(["Disc.bdmv.mkv"], ["disc.BDMV.strm"]) == {
        "Disc.bdmv.mkv.strm": "Disc.bdmv.mkv"
    }


def test_trap_15_names_that_differ_only_by_case_or_composition_stay_apart_on_any_file_system() -> (
    None
):
    assert strm_names(["Movie.mkv", "movie.mkv"]) == {
        "Movie.strm": "Movie.mkv",
        "movie.mkv.strm": "movie.mkv",
    }
    composed, decomposed = "\u00e9.mkv", "e\u0301.mkv"
    names = strm_names([composed, decomposed])
    assert sorted(names.values()) == sorted([composed, decomposed])
    assert len(names) == 2


def test_a_second_name_that_is_taken_as_well_gets_a_number() -> None:
    names = strm_names(["a.mkv", "a.mp4", "a.mp4.mkv"])
    assert sorted(names.values()) == ["a.mkv", "a.mp4", "a.mp4.mkv"]
    assert len(names) == 3


def test_a_long_name_is_shortened_between_characters_and_stays_apart() -> None:
    first, second = "長" * 83 + "甲.mkv", "長" * 83 + "乙.mkv"
    names = strm_names([first, second])
    assert len(names) == 2
    assert all(len(name.encode()) <= MAXIMUM_NAME_BYTES for name in names)


@given(NAMES)
def test_every_media_file_gets_its_own_name_in_any_order(names: set[str]) -> None:
    shuffled = list(names)
    random.shuffle(shuffled)
    named = strm_names(shuffled)
    assert sorted(named.values()) == sorted(names)
    assert named == strm_names(sorted(names))
    assert all(len(name.encode()) <= MAXIMUM_NAME_BYTES for name in named)
    assert len({name.lower() for name in named}) == len(named)
