"""`scripts/config check` shows everything but secrets, and ends with 1 when something is wrong."""

import pytest

from sync_assets.commands.config import main

GOOD = """
[strm.jobs.movies]
output = "library"
url_template = "http://nas.lan/{path}"
source.path = "media"

[strm.media_servers.jellyfin]
base_url = "http://user:hunter22@jellyfin.lan"
api_key = "hunter22"
"""


@pytest.fixture
def configure(tmp_path, monkeypatch):
    def write(content: str) -> None:
        (tmp_path / "sync.toml").write_text(content, encoding="utf-8")
        monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))

    (tmp_path / "media").mkdir()
    return write


def test_a_good_configuration_is_shown_without_its_secrets(configure, capsys):
    configure(GOOD)
    assert main(["check"]) == 0
    shown = capsys.readouterr().out
    assert "hunter22" not in shown
    assert "set (secret)" in shown
    assert "strm.jobs.movies.url_template" in shown
    assert "No problem found." in shown
    assert "aria2c" in shown


def test_text_that_looks_like_markup_is_shown_as_it_is(configure, capsys):
    configure(GOOD.replace("source.path", "exclude = ['[a-z]+\\.part$', '[/red]']\nsource.path"))
    assert main(["check"]) == 0
    assert "[a-z]+\\.part$, [/red]" in capsys.readouterr().out


def test_a_ledger_that_cannot_be_reached_is_a_problem(configure, capsys):
    configure('[ledger]\nurl = "postgresql+psycopg://user:hunter22@127.0.0.1:1/x"')
    assert main(["check"]) == 1
    shown = capsys.readouterr().out
    assert "hunter22" not in shown
    assert "ledger.url" in shown


def test_a_domain_without_settings_is_off(configure, capsys):
    configure("")
    assert main(["check"]) == 0
    assert "off: nothing is configured" in capsys.readouterr().out


def test_wrong_fields_are_listed_with_what_is_allowed(configure, capsys):
    configure("[server]\nport = 99999\nhots = 'x'\n")
    assert main(["check"]) == 1
    shown = capsys.readouterr().out
    for part in ("server.port", "99999", "65535", "server.hots", "Did you mean 'host'?"):
        assert part in shown


def test_folders_that_cannot_be_used_are_listed(configure, capsys, tmp_path):
    (tmp_path / "media").rmdir()
    (tmp_path / "library").write_text("", encoding="utf-8")
    configure(GOOD)
    assert main(["check"]) == 1
    shown = capsys.readouterr().out
    assert "strm.jobs.movies.source.path" in shown
    assert "does not exist" in shown
    assert "is no folder" in shown


def test_a_program_that_cannot_be_used_is_listed(configure, capsys):
    configure("[tools]\nrclone = 'nowhere/rclone'\n")
    assert main(["check"]) == 1
    assert "tools.rclone" in capsys.readouterr().out
