"""Any key is a safe, distinct file name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_assets.lake import LakeError, layout

keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(keys)
def test_every_key_becomes_a_plain_short_lower_case_name(key):
    name = layout.file_name(key)
    assert len(name.encode()) <= 240
    assert "/" not in name
    assert not name.startswith(".")
    assert name == name.lower()
    assert name.isascii()
    assert name != layout.UNPARTITIONED


@given(keys)
def test_a_name_that_is_not_shortened_gives_its_key_back(key):
    name = layout.encode(key)
    assert layout.is_shortened(name) or layout.decode(name) == key


@given(keys, keys)
def test_different_keys_have_names_that_differ_even_where_case_does_not_count(one, other):
    assert (one == other) == (layout.file_name(one).lower() == layout.file_name(other).lower())


@pytest.mark.parametrize("asset", [[], "pixiv", ["x" * 300], ["\ud800"]])
def test_what_is_no_asset_key_is_refused(asset, tmp_path):
    with pytest.raises(LakeError):
        layout.asset_directory(tmp_path, asset)


def test_an_asset_key_cannot_climb_out_of_the_lake(tmp_path):
    directory = layout.asset_directory(tmp_path, ["..", "/etc", "."])
    assert directory.resolve().is_relative_to(tmp_path)
    assert len(directory.relative_to(tmp_path).parts) == 3
