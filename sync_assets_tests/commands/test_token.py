"""`scripts/token`: made once, shown once, listed without secrets, revoked for good."""

import json

import pytest

from sync_assets.commands.token import main
from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, verify_token


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNC_HOME", str(tmp_path))
    return tmp_path


def bearer_of(home, plain_text: str):
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    with ledger.read() as connection:
        token = verify_token(connection, plain_text)
    ledger.close()
    return token


def create(capsys, *arguments: str) -> str:
    assert main(["create", "--name", "Radarr", "--scope", "ingest", *arguments]) == 0
    return capsys.readouterr().out


def test_only_the_token_goes_to_the_output_and_it_works(home, capsys):
    plain_text = create(capsys).strip()
    token = bearer_of(home, plain_text)
    assert token is not None
    assert (token.name, token.scope) == ("Radarr", Scope.INGEST)


def test_json_tells_everything_about_the_new_token(home, capsys):
    made = json.loads(create(capsys, "--json"))
    token = bearer_of(home, made["token"])
    assert token is not None
    assert made["id"] == token.id
    assert set(made) == {"id", "name", "user", "scope", "created_at", "revoked_at", "token"}


def test_tokens_of_one_user_have_names_of_their_own(home, capsys):
    made = json.loads(create(capsys, "--json", "--user", "alice"))
    assert (made["name"], made["user"]) == ("Radarr", "alice")
    assert bearer_of(home, made["token"]).user == "alice"
    assert json.loads(create(capsys, "--json"))["user"] == "Radarr"


def test_the_list_shows_every_token_and_no_secret(home, capsys):
    # sync_ID_SECRET; the secret itself may hold an underscore.
    secret = create(capsys).strip().split("_", 2)[2]
    assert main(["list"]) == 0
    table = capsys.readouterr().out
    assert "Radarr" in table
    assert secret not in table
    assert main(["list", "--json"]) == 0
    text = capsys.readouterr().out
    assert [token["name"] for token in json.loads(text)] == ["Radarr"]
    assert secret not in text
    assert secret not in (home / "ledger.db").read_bytes().decode("latin-1")


def test_a_name_with_markup_is_shown_as_it_is(capsys):
    assert main(["create", "--name", "[red]x", "--scope", "user"]) == 0
    assert main(["list"]) == 0
    assert "[red]x" in capsys.readouterr().out


def test_a_revoked_token_is_refused_and_stays_listed(home, capsys):
    made = json.loads(create(capsys, "--json"))
    assert main(["revoke", made["id"]]) == 0
    assert bearer_of(home, made["token"]) is None
    assert main(["revoke", made["id"], "--json"]) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["revoked_at"]
    assert main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["revoked_at"]


def test_an_unknown_id_is_an_error_with_a_remedy():
    with pytest.raises(SyncError, match="scripts/token list"):
        main(["revoke", "nobody"])


def test_a_wrong_configuration_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setenv("SYNC_LEDGER__URL", "mysql://x")
    with pytest.raises(SyncError, match=r"ledger\.url"):
        main(["list"])


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_a_name_that_is_none_is_refused(name, capsys):
    with pytest.raises(SystemExit) as failure:
        main(["create", "--name", name, "--scope", "user"])
    assert failure.value.code == 2
    assert "1 to 100" in capsys.readouterr().err
