"""The triggers by which the database itself refuses an illegal state, from whatever program.

Migrations use them with the values of their own time; `lifecycle` makes them from a declaration.
"""

from collections.abc import Sequence


def transition_triggers(
    name: str,
    table: str,
    *,
    initial: Sequence[str],
    legal: Sequence[tuple[str, str]],
    dialect_name: str,
) -> list[str]:
    """Return the DDL of the triggers of one lifecycle.

    A migration calls this with the values of its own time, so that it stays what it was when
    the declaration changes later.

    Args:
        name: The lifecycle's name.
        table: The table that holds its rows.
        initial: The states that a new row may have.
        legal: Pairs of state before and state after.
        dialect_name: `sqlite` or `postgresql`.

    Returns:
        Statements to execute in order.
    """
    insert_rule = f"NEW.state NOT IN ({_quoted(initial)})"
    pairs = " OR ".join(f"(OLD.state = '{a}' AND NEW.state = '{b}')" for a, b in legal)
    update_rule = f"NEW.state <> OLD.state AND NOT ({pairs})" if pairs else "NEW.state <> OLD.state"
    if dialect_name == "postgresql":
        return _postgresql_triggers(name, table, insert_rule, update_rule)
    return _sqlite_triggers(name, table, insert_rule, update_rule)


def _sqlite_triggers(name: str, table: str, insert_rule: str, update_rule: str) -> list[str]:
    statements = []
    for event, rule in (("INSERT", insert_rule), ("UPDATE", update_rule)):
        trigger = f"{name}_{event.lower()}_is_legal"
        statements += [
            f"DROP TRIGGER IF EXISTS {trigger}",
            (
                f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} WHEN {rule} "
                f"BEGIN SELECT RAISE(ABORT, 'illegal {name} state'); END"
            ),
        ]
    return statements


def _postgresql_triggers(name: str, table: str, insert_rule: str, update_rule: str) -> list[str]:
    function = f"{name}_refuse_illegal_state"
    statements = [
        (
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'illegal {name} state' USING ERRCODE = '23514'; END $$"
        )
    ]
    for event, rule in (("INSERT", insert_rule), ("UPDATE", update_rule)):
        trigger = f"{name}_{event.lower()}_is_legal"
        statements += [
            f"DROP TRIGGER IF EXISTS {trigger} ON {table}",
            (
                f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} FOR EACH ROW "
                f"WHEN ({rule}) EXECUTE FUNCTION {function}()"
            ),
        ]
    return statements


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
