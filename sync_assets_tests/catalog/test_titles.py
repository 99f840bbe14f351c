"""Titles are the same whatever their width, case, script and punctuation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.catalog.titles import fold, split_season


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\uff21\uff22\uff23\u3000第\uff11話", "abc第1話"),
        ("轉生成為魔劍", "转生成为魔剑"),
        ("Re:ZERO -Starting Life-", "re zero starting life"),
        ("らんま½", "らんま1\u20442"),
        ("ﾊﾟﾘﾋﾟ孔明", "パリピ孔明"),
    ],
)
def test_the_same_title(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize("other", ["Kanon 2", "Canon", "カノン"])
def test_another_title(other):
    assert fold("Kanon") != fold(other)


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more(title):
    assert fold(fold(title)) == fold(title)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("星のやかん 第2期", ("星のやかん", 2)),
        ("星之水壶 第三季", ("星之水壶", 3)),
        ("Star Kettle 2nd Season", ("Star Kettle", 2)),
        ("Star Kettle: Season 4", ("Star Kettle", 4)),
        ("Star Kettle S2", ("Star Kettle", 2)),
        ("Star Kettle III", ("Star Kettle", 3)),
        ("Star Kettle", ("Star Kettle", None)),
        ("86", ("86", None)),
        ("IV", ("IV", None)),
    ],
)
def test_the_season_in_a_title(title, expected):
    assert split_season(title) == expected
