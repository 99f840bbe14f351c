"""Make, list and revoke the bearer tokens of the HTTP API: `scripts/token`."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, Token, create_token, list_tokens, revoke_token
from sync_assets.settings import load_settings

_SCOPES = "ingest: send webhooks; user: read events and use the API; admin: everything"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.

    Raises:
        SyncError: It cannot be done; the text is for the user.
    """
    options = _parser().parse_args(arguments)
    with closing(Ledger.open(load_settings().ledger_url)) as ledger:
        options.run(ledger, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/token", description="Make, list and revoke the tokens of the HTTP API."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    create = commands.add_parser("create", help="make a token; it is shown this once")
    create.add_argument("--name", required=True, type=_name, help="who or what will bear it")
    create.add_argument(
        "--user", type=_name, help="whose it is, such as alice; without it: the token's name"
    )
    create.add_argument("--scope", required=True, choices=[*Scope], type=Scope, help=_SCOPES)
    create.set_defaults(run=_create)

    every = commands.add_parser("list", help="list all tokens, revoked ones too")
    every.set_defaults(run=_list)

    revoke = commands.add_parser("revoke", help="revoke a token; it stops within a second")
    revoke.add_argument("id", help="the token's id, as `list` shows it")
    revoke.set_defaults(run=_revoke)

    for command in (create, every, revoke):
        command.add_argument("--json", action="store_true", help="print JSON instead")
    return parser


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 100 or not name.isprintable():
        message = "a name has 1 to 100 printable characters"
        raise argparse.ArgumentTypeError(message)
    return name


def _create(ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        token, plain_text = create_token(connection, options.name, options.scope, user=options.user)
    if options.json:
        print(json.dumps({**_fields(token), "token": plain_text}))
        return
    # The token alone goes to the output, so that `$(…)` and pipes get nothing else.
    print(f"Token {token.id} ({token.scope}), shown only now:", file=sys.stderr)
    print(plain_text)


def _list(ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.read() as connection:
        tokens = list_tokens(connection)
    if options.json:
        print(json.dumps([_fields(token) for token in tokens]))
        return
    table = Table("id", "name", "user", "scope", "created (UTC)", "revoked (UTC)")
    for token in tokens:
        fields = _fields(token)
        table.add_row(
            token.id,
            Text(token.name),
            Text(token.user),
            token.scope,
            fields["created_at"],
            fields["revoked_at"] or "",
        )
    Console().print(table)


def _revoke(ledger: Ledger, options: argparse.Namespace) -> None:
    with ledger.write() as connection:
        token = revoke_token(connection, options.id)
    if options.json:
        print(json.dumps(_fields(token)))
        return
    print(f"Token {token.id} is revoked.")


def _fields(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "user": token.user,
        "scope": token.scope,
        "created_at": token.created_at.isoformat(timespec="seconds"),
        "revoked_at": token.revoked_at.isoformat(timespec="seconds") if token.revoked_at else None,
    }


if __name__ == "__main__":
    run_command(main)
