"""The file of the user's own rules: what it may hold, and what is wrong with it."""

import pytest

from sync_assets.bangumi.matching.overrides import OverridesError, read_overrides
from sync_assets.catalog.models import Provider, Work, WorkKind
from sync_assets_tests.bangumi.matching.building import episode, film

GOOD = """
[[rule]]
tmdb = 100
subject = 1
note = "everything else"

[[rule]]
tmdb = 100
season = 2
first = 13
last = 24
subject = 2
offset = -12

[[rule]]
tmdb = 100
season = 2
subject = 3

[[rule]]
title = "Holiday Film"
media_type = "movie"
ignore = true
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "matching.toml"
        path.write_text(text, encoding="utf-8")
        return read_overrides(path)

    return write_and_read


@pytest.mark.parametrize(
    ("season", "number", "subject"), [(1, 1, 1), (2, 12, 3), (2, 13, 2), (2, 24, 2), (2, 25, 3)]
)
def test_of_several_rules_the_narrowest_counts(read, season, number, subject):
    rule = read(GOOD).rule_for(episode(season, number))
    assert rule is not None
    assert rule.subject == subject


def test_a_rule_without_ids_goes_by_the_title(read):
    overrides = read(GOOD)
    assert overrides.rule_for(film(works=(), title="holiday film!")).ignore
    assert overrides.rule_for(film(works=(), title="Another film")) is None
    assert overrides.rule_for(episode(1, 1, works=(), title="Holiday Film")) is None


def test_a_rule_is_about_the_provider_that_it_names(read):
    other = Work(Provider.TVDB, WorkKind.SHOW, "100")
    assert read(GOOD).rule_for(episode(1, 1, works=(other,))) is None


def test_no_file_is_no_rule(tmp_path):
    assert not read_overrides(tmp_path / "missing.toml").rules


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[rule]]\nsubject = 1", "rule 1: needs tmdb, trakt, tvdb, imdb or title"),
        ("[[rule]]\ntmdb = 1", "rule 1: needs either subject or ignore"),
        ("[[rule]]\ntmdb = 1\nsubject = 1\nignore = true", "needs either subject or ignore"),
        ("[[rule]]\ntmdb = 1\nsubject = 'x'", "rule 1.subject"),
        ("[[rule]]\ntmdb = 1\nsubject = 1\nsesaon = 2", "rule 1.sesaon"),
        ("[[rule]]\ntmdb = 1\nsubject = 1\nfirst = 5\nlast = 4", "last is smaller than first"),
        ("[[rule]]\ntmdb = 1\nsubject = 1\nfirst = 5\noffset = -5", "below 1"),
        ("[[rule]]\ntmdb = 1\nsubject = 1\n[[rule]]\nimdb = 'tt1'", "rule 2: needs either"),
        ("rule = 5", "rule"),
        ("[[rule", "is not TOML"),
    ],
)
def test_a_wrong_rule_is_named(read, text, reason):
    with pytest.raises(OverridesError) as caught:
        read(text)
    assert reason in str(caught.value)
    assert "matching.toml" in str(caught.value)
