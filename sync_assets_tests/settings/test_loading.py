"""Reading the configuration: strict, anchored, and never showing a secret."""

from pathlib import Path

import pytest

from sync_assets.settings import ConfigurationError, Settings, load_settings
from sync_assets.settings.strm_sources import LocalSourceSettings, OpenListSourceSettings

JOB = """
[strm.jobs.movies]
source = { path = "media/movies" }
output = "library/movies"
url_template = "http://nas.lan:8000/media/{path}"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "configuration" / "sync.toml"
    path.parent.mkdir()
    monkeypatch.setenv("SYNC_CONFIG", str(path))

    def write_text(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def problems() -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_without_a_file_everything_has_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.home == tmp_path / "var"
    assert settings.ledger_url == f"sqlite:///{tmp_path / 'var' / 'ledger.db'}"
    assert settings.lake_directory == tmp_path / "var" / "lake"
    assert settings.strm.jobs == {}


def test_the_file_in_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sync.toml").write_text("[server]\nport = 9000\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().server.port == 9000


def test_relative_paths_count_from_the_file_and_not_from_the_caller(write) -> None:
    path = write(JOB)
    job = load_settings().strm.jobs["movies"]
    assert job.source == LocalSourceSettings(path=path.parent / "media" / "movies")
    assert job.output == path.parent / "library" / "movies"
    assert load_settings().home == path.parent / "var"


def test_the_environment_wins_field_by_field(write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[server]\nport = 9000\nmaximum_body_bytes = 5000\n")
    monkeypatch.setenv("SYNC_SERVER__PORT", "9001")
    monkeypatch.setenv("SYNC_HOME", "/elsewhere")
    settings = load_settings()
    assert (settings.server.port, settings.server.maximum_body_bytes) == (9001, 5000)
    assert settings.home == Path("/elsewhere")


def test_an_unknown_key_is_an_error_that_names_the_nearest_valid_one(write) -> None:
    write("[servr]\nport = 1\n[ledger]\nulr = 'x'\n")
    found = problems()
    assert "Did you mean 'server'?" in found["servr"]
    assert "Did you mean 'url'?" in found["ledger.ulr"]


def test_an_unknown_variable_is_an_error_too(write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("")
    monkeypatch.setenv("SYNC_SERVER__PROT", "1")
    monkeypatch.setenv("SYNC_HOEM", "/x")
    found = problems()
    assert "Did you mean 'SYNC_SERVER__PORT'?" in found["SYNC_SERVER__PROT"]
    assert "Did you mean 'SYNC_HOME'?" in found["SYNC_HOEM"]


def test_all_problems_are_told_at_once_with_path_value_and_what_is_allowed(write) -> None:
    write(JOB.replace("movies]", "Movies]") + "[server]\nport = 99999\n[strm]\nschedule = 'daily'")
    found = problems()
    assert "99999" in found["server.port"]
    assert "65535" in found["server.port"]
    assert "'daily'" in found["strm.schedule"]


def test_a_value_that_may_be_a_secret_is_never_shown(write) -> None:
    write(
        "[ledger]\nurl = 'mysql://sync:hunter2@host/db'\nurll = 'hunter2'\npassword = 'hunter2'\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert "postgresql+psycopg://" in str(caught.value)


def test_a_secret_is_not_in_the_text_of_the_settings(write) -> None:
    write("[ledger]\nurl = 'postgresql+psycopg://sync:hunter2@host/db'\n")
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()
    assert "hunter2" in settings.ledger_url


@pytest.mark.parametrize("section", ["ledger = 'hunter2'", "ledger = ['hunter2']"])
def test_a_wrong_type_where_a_secret_may_be_is_not_shown(write, section: str) -> None:
    write(section)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("[server", "TOML"), ('a = "\\ud800"', "TOML"), ("x = nonsense", "TOML")],
)
def test_a_file_that_is_not_toml_is_named_with_the_line(write, text: str, expected: str) -> None:
    path = write(text)
    assert expected in problems()[str(path)]


def test_a_file_that_is_not_utf8_is_named(write) -> None:
    path = write("")
    path.write_bytes(b"\xff\xfe")
    assert "UTF-8" in problems()[str(path)]


def test_a_file_that_is_named_but_missing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "nowhere.toml"))
    assert "sync.example.toml" in problems()["SYNC_CONFIG"]


OPENLIST = """
[strm.jobs.movies]
output = "library/movies"
[strm.jobs.movies.source]
type = "openlist"
base_url = "http://nas.lan:5244/"
path = "115/Movies/"
username = "alice"
password = "hunter2"
"""


def test_a_source_at_a_server_is_read_and_its_addresses_are_made_uniform(write) -> None:
    write(OPENLIST)
    source = load_settings().strm.jobs["movies"].source
    assert isinstance(source, OpenListSourceSettings)
    assert (source.base_url, source.path) == ("http://nas.lan:5244", "/115/Movies")
    assert "hunter2" not in repr(source)


def test_a_field_of_a_source_can_be_set_by_the_environment(
    write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(OPENLIST)
    monkeypatch.setenv("SYNC_STRM__JOBS__MOVIES__SOURCE__PASSWORD", "other")
    source = load_settings().strm.jobs["movies"].source
    assert isinstance(source, OpenListSourceSettings)
    assert source.password is not None
    assert source.password.get_secret_value() == "other"


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (("connections", "connections = 0"), "source.connections", "greater than or equal to 1"),
        (("conections", "conections = 2"), "source.conections", "Did you mean 'connections'?"),
        (("path", 'path = "/a/../b"'), "source.path", "'..'"),
        (("password", ""), "source", "go together"),
        (("token", "token = 'hunter2'"), "source", "either token, or username"),
        (("type", "type = 'opnlist'"), "source", "local, openlist, webdav"),
        (("base_url", ""), "source.base_url", "The address of OpenList"),
        (("base_url", "base_url = 'nas.lan'"), "source.base_url", "absolute http"),
        (("base_url", "base_url = 'http://a:hunter2@nas'"), "source.base_url", "not hold a pass"),
        (("base_url", "base_url = 'http://nas/?a'"), "source.base_url", "without '?'"),
    ],
)
def test_a_source_that_cannot_work_is_refused_by_the_path_of_its_field(
    write, change: tuple[str, str], field: str, expected: str
) -> None:
    name, line = change
    kept = [each for each in OPENLIST.splitlines() if not each.startswith(f"{name} ")]
    write("\n".join([*kept, line]))
    found = problems()
    assert expected in found[f"strm.jobs.movies.{field}"]
    assert "hunter2" not in str(found)


def test_only_a_local_source_has_files_with_paths(write) -> None:
    write(OPENLIST.replace("[strm.jobs.movies]", "[strm.jobs.movies]\nmode = 'path'"))
    assert "needs a source of type 'local'" in problems()["strm.jobs.movies"]


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        (("http://nas.lan:8000/media/{path}", "http://nas.lan/x"), "url_template", "{path}"),
        (("http://nas.lan:8000/media/{path}", "ftp://nas/{path}"), "url_template", "http"),
        (('"library/movies"', '"media/movies/strm"'), "", "overlap"),
        (('"library/movies"', '"media"'), "", "overlap"),
        (("[strm.jobs.movies]", "[strm.jobs.'Mo/vies']"), None, "lower-case"),
        (("url_template", "exclude = ['(']\nurl_template"), "exclude.0", "regular expression"),
        (("url_template", "extensions = ['.mkv']\nurl_template"), None, "without a dot"),
        (("url_template", "extensions = []\nurl_template"), "extensions", "at least 1"),
        (("url_template", "mode = 'symlink'\nurl_template"), "mode", "'url' or 'path'"),
        (('url_template = "http://nas.lan:8000/media/{path}"', ""), "", "needs url_template"),
    ],
)
def test_a_job_that_cannot_work_is_refused(
    write, change: tuple[str, str], field: str | None, expected: str
) -> None:
    assert change[0] in JOB
    write(JOB.replace(*change))
    found = problems()
    if field is not None:
        assert f"strm.jobs.movies.{field}".rstrip(".") in found
    assert expected in " ".join(found.values())


def test_trap_14_two_jobs_must_not_write_into_each_other(write, tmp_path: Path) -> None:
    other = JOB.replace("movies]", "shows]").replace("media/movies", "media/shows")
    write(JOB + other.replace("library/movies", "library/movies/shows"))
    assert "outputs of jobs 'movies' and 'shows' overlap" in problems()["strm"]


def test_settings_cannot_be_changed_after_they_are_read(write) -> None:
    write(JOB)
    settings: Settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.home = Path("/other")  # ty: ignore[invalid-assignment]
