"""Fixtures of all tests."""

import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, make_url, text

from sync_assets.ledger import Ledger
from sync_assets.ops.home import initialise_home
from sync_assets.settings import Settings, load_settings
from sync_assets_tests.support.browser import find_chromium, running_chromium
from sync_assets_tests.support.media import write_media
from sync_assets_tests.support.postgres import find_binaries, running_server


@pytest.fixture(autouse=True)
def _no_configuration_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own configuration out of the tests."""
    for name in list(os.environ):
        if name.startswith("SYNC_") or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)


def _skip(reason: str) -> NoReturn:
    """Skip a test for what is not installed; where all is to be tested, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


# Not for the whole session: while Playwright runs, no other test can start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    program = find_chromium()
    if program is None:
        _skip("Chromium is not installed (Debian: apt-get install chromium)")
    with running_chromium(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server; the URL of its maintenance database."""
    binaries = find_binaries()
    if binaries is None:
        _skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with running_server(binaries) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of PostgreSQL."""
    with _database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, once on each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"
    return request.getfixturevalue("postgres_url")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new ledger's file, to be copied: a thousand tests need not all migrate their own."""
    path = tmp_path_factory.mktemp("template") / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The name of a database with a new ledger, to be copied."""
    name = "template_of_tests"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    url = make_url(postgres_server).set(database=name)
    Ledger.open(url.render_as_string(hide_password=False)).close()
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new ledger, once on each kind of database."""
    if request.param == "sqlite":
        path = tmp_path / "home" / "ledger.db"
        _copy(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    with _database(server, template=request.getfixturevalue("migrated_postgres")) as url:
        yield url


@pytest.fixture
def ledger(migrated_url: str) -> Iterator[Ledger]:
    """A new ledger, once on each kind of database."""
    opened = Ledger.open(migrated_url)
    yield opened
    opened.close()


@pytest.fixture
def new_ledger(migrated_sqlite: Path) -> Callable[[Settings], Ledger]:
    """Make the ledger of a configuration, and open it."""

    def make(settings: Settings) -> Ledger:
        _copy(migrated_sqlite, settings.home / "ledger.db")
        return Ledger.open(settings.ledger_url)

    return make


@pytest.fixture(scope="session")
def initialised_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home as `scripts/run` makes it, to be copied: Dagster takes seconds for its storage."""
    home = tmp_path_factory.mktemp("home")
    initialise_home(Settings(home=home))
    return home


@pytest.fixture
def new_home(initialised_home: Path, migrated_sqlite: Path) -> Callable[[Settings], None]:
    """Make the home of a configuration, with Dagster's storage and a ledger."""

    def make(settings: Settings) -> None:
        shutil.copytree(initialised_home, settings.home, dirs_exist_ok=True)
        _copy(migrated_sqlite, settings.home / "ledger.db")

    return make


@pytest.fixture
def sqlite_ledger(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Ledger]:
    """A new ledger, for tests that do not depend on the kind of database."""
    path = tmp_path / "home" / "ledger.db"
    _copy(migrated_sqlite, path)
    opened = Ledger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


@contextmanager
def _database(server: str, *, template: str = "template1") -> Generator[str]:
    """Offer the URL of a new database, a copy of another one."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def _copy(template: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, path)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The configuration of two STRM jobs, movies and shows, with twenty films each."""
    jobs = "".join(
        f'[strm.jobs.{name}]\nsource = {{ path = "media/{name}" }}\noutput = "library/{name}"\n'
        'url_template = "http://nas/{path}"\n'
        for name in ("movies", "shows")
    )
    (tmp_path / "sync.toml").write_text(f'home = "home"\n{jobs}')
    monkeypatch.setenv("SYNC_CONFIG", str(tmp_path / "sync.toml"))
    for name in ("movies", "shows"):
        write_media(tmp_path / "media" / name, [f"{n}/{name} {n}.mkv" for n in range(20)])
    return load_settings()
