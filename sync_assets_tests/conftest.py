"""Fixtures of all tests."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser
from sqlalchemy import create_engine, make_url, text

from sync_assets.ledger import Ledger
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
    """An empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


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


@pytest.fixture
def ledger(ledger_url: str, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A new ledger, once on each kind of database."""
    url = make_url(ledger_url)
    if url.get_backend_name() == "sqlite":
        _copy(request.getfixturevalue("migrated_sqlite"), Path(url.database or ""))
    else:
        template = request.getfixturevalue("migrated_postgres")
        engine = create_engine(
            request.getfixturevalue("postgres_server"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {url.database}"))
            connection.execute(text(f"CREATE DATABASE {url.database} TEMPLATE {template}"))
        engine.dispose()
    opened = Ledger.open(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_ledger(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Ledger]:
    """A new ledger, for tests that do not depend on the kind of database."""
    path = tmp_path / "home" / "ledger.db"
    _copy(migrated_sqlite, path)
    opened = Ledger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


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
