"""Cursors on both kinds of database."""

from sync_assets.ledger import Ledger
from sync_assets.trakt.cursors import move_cursor, read_cursor


def test_a_cursor_is_empty_until_it_moves_and_then_what_it_was_moved_to(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert read_cursor(connection, "alice", "history") == {}
    for value in ({"episodes": "2024-01-01"}, {"episodes": "2024-01-02", "movies": "2024-01-01"}):
        with ledger.write() as connection:
            move_cursor(connection, "alice", "history", value)
        with ledger.read() as connection:
            assert read_cursor(connection, "alice", "history") == value
    with ledger.read() as connection:
        assert read_cursor(connection, "alice", "ratings") == {}
        assert read_cursor(connection, "bob", "history") == {}
