"""The configuration of the catalogue refuses what cannot work."""

import pytest

from sync_assets.settings import ConfigurationError, load_settings


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ("[catalog.sources.nowhere]\nenabled = true", "catalog.sources", "known are bangumi_data"),
        (
            "[catalog.sources.shinkro]\nurl = 'http://example.org/x'",
            "catalog.sources.shinkro.url",
            "must be https",
        ),
        (
            "[catalog.sources.shinkro]\nurl = 'https://user:pass@example.org/x'",
            "catalog.sources.shinkro.url",
            "without a user name",
        ),
        (
            "[catalog.sources.shinkro]\nurl = 'https://example.org/x'\npath = 'x'",
            "catalog.sources.shinkro",
            "keep one",
        ),
        ("[catalog]\nschedule = 'weekly'", "catalog.schedule", "cron"),
        ("[bangumi.matching]\nminimum_confidence = 0.3", "bangumi.matching", "0.5"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, monkeypatch, text, field, reason):
    (tmp_path / "sync.toml").write_text(text)
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert field in str(caught.value)
    assert reason in str(caught.value)


def test_paths_have_their_place_in_the_home(tmp_path, monkeypatch):
    (tmp_path / "sync.toml").write_text('home = "home"')
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    settings = load_settings()
    assert settings.overrides_path == tmp_path / "home" / "matching.toml"
    assert settings.catalog_directory == tmp_path / "home" / "catalog"
