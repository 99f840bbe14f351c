"""Sources that another package brings, by an entry point."""

from pathlib import Path

import pytest

from sync_assets.ledger import Ledger
from sync_assets.settings import ConfigurationError, load_settings
from sync_assets.strm.sources import open_source
from sync_assets.strm.sources.local import LocalSource

JOB = """
[strm.jobs.movies]
output = "library"
url_template = "http://nas/{path}"
[strm.jobs.movies.source]
type = "ftp"
host = "nas.lan"
password = "hunter2"
"""


def make_ftp(*, host: str, password: str) -> LocalSource:
    assert (host, password) == ("nas.lan", "hunter2")
    return LocalSource(Path(__file__).parent)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sync.toml").write_text(JOB)
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    package = tmp_path / "packages" / "ftp_source-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: ftp-source\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        f"[sync_assets.strm_sources]\nftp = {__name__}:make_ftp\n"
    )


def test_a_package_brings_a_type_of_source(
    configured: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_ledger: Ledger
) -> None:
    monkeypatch.syspath_prepend(tmp_path / "packages")
    settings = load_settings().strm.jobs["movies"].source
    with open_source(settings, sqlite_ledger) as source:
        assert Path(__file__).name in {entry.name for entry in source.list_directory("")}
    assert "hunter2" not in repr(settings)


def test_a_type_that_nobody_brings_is_refused(configured: None) -> None:
    with pytest.raises(ConfigurationError, match="local, openlist, webdav") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
