"""Opening the ledger: pragmas, migrations, and errors that say what to do."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

from sync_assets.ledger import Ledger, LedgerSchemaTooNewError, LedgerUnavailableError
from sync_assets.ledger.inbox import INBOX, Delivery, store
from sync_assets.ledger.lifecycle import Lifecycle
from sync_assets.ledger.migrate import alembic_configuration
from sync_assets.ledger.revision import HEAD_REVISION, KNOWN_REVISIONS
from sync_assets.ledger.schema import metadata
from sync_assets.ledger.tokens import list_tokens

LIFECYCLES: list[Lifecycle] = [INBOX]

OPEN_AND_STORE = """
import sys
from sync_assets.ledger import Ledger
from sync_assets.ledger.inbox import Delivery, store
ledger = Ledger.open(sys.argv[1])
for number in range(20):
    with ledger.write() as connection:
        store(connection, [Delivery(sys.argv[2], str(number), {})])
"""


def test_the_migrations_make_what_the_schema_declares(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_the_triggers_are_those_of_the_declared_lifecycles(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.read() as connection:
        query = "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
        present = set(connection.execute(text(query)).scalars())
    for lifecycle in LIFECYCLES:
        wanted = [
            statement
            for statement in lifecycle.trigger_statements("sqlite")
            if statement.startswith("CREATE")
        ]
        assert set(wanted) <= present


def test_the_known_revisions_are_those_of_the_migrations() -> None:
    script = ScriptDirectory.from_config(alembic_configuration())
    assert tuple(reversed([each.revision for each in script.walk_revisions()])) == KNOWN_REVISIONS


def test_opening_twice_keeps_what_is_there(ledger_url: str) -> None:
    first = Ledger.open(ledger_url)
    with first.write() as connection:
        store(connection, [Delivery("s", "1", {})])
    first.close()
    second = Ledger.open(ledger_url)
    with second.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM inbox_events")).scalar() == 1
    second.close()


def test_tokens_from_before_users_are_those_of_a_user_of_their_name(ledger_url: str) -> None:
    if ledger_url.startswith("sqlite"):
        Path(make_url(ledger_url).database or "").parent.mkdir(parents=True)
    engine = create_engine(ledger_url)
    with engine.begin() as connection:
        configuration = alembic_configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0010")
        columns = "id, name, scope, secret_hash, created_at"
        values = "'0123456789ab', 'alice', 'user', '', '2026-01-01 00:00:00'"
        connection.execute(text(f"INSERT INTO tokens ({columns}) VALUES ({values})"))
    engine.dispose()
    ledger = Ledger.open(ledger_url)
    with ledger.read() as connection:
        (token,) = list_tokens(connection)
    ledger.close()
    assert (token.name, token.user) == ("alice", "alice")


def test_sqlite_is_durable_and_strict_on_every_connection(sqlite_ledger: Ledger) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    with sqlite_ledger.read() as first, sqlite_ledger.read() as second:
        for connection in (first, second):
            for pragma, value in wanted.items():
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_eight_processes_that_open_a_new_ledger_at_once_all_succeed(ledger_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_STORE, ledger_url, f"source-{number}"])
        for number in range(8)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * 8
    ledger = Ledger.open(ledger_url)
    with ledger.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM inbox_events")).scalar() == 160
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 160
    ledger.close()


def test_a_newer_schema_is_refused_and_left_alone(ledger_url: str) -> None:
    ledger = Ledger.open(ledger_url)
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    with pytest.raises(LedgerSchemaTooNewError, match="Update sync_assets"):
        Ledger.open(ledger_url)
    unchecked = Ledger(ledger_url)
    assert unchecked.revision() == "9999"
    unchecked.close()
    assert HEAD_REVISION != "9999"


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("not a database, but long enough to be read as one\n" * 100)
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailableError, match="restore a backup"):
        Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerUnavailableError, match=str(tmp_path / "file")):
        Ledger.open(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(LedgerUnavailableError) as caught:
        Ledger.open("postgresql+psycopg://sync:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.open(url).close()
    program = f"""
import resource, signal
from sync_assets.ledger import Ledger, LedgerUnavailableError
from sync_assets.ledger.inbox import Delivery, store
ledger = Ledger.open({url!r})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    with ledger.write() as connection:
        store(connection, [Delivery("s", str(n), {{"text": "x" * 1000}}) for n in range(2000)])
except LedgerUnavailableError as error:
    print(error)
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "What to do" in done.stdout
    ledger = Ledger.open(url)
    with ledger.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM inbox_events")).scalar() == 0
    ledger.close()
