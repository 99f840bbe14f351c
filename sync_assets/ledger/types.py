"""Column types that behave the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Row, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware timestamp, stored in UTC.

    SQLite has no time zones: there the text is UTC by convention, and comes back aware.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse naive times: which zone they meant cannot be known later."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"a timestamp without a time zone: {value.isoformat()}"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored time as an aware one."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns."""

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A generated key; only SQLite's INTEGER is an alias of its row id."""


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
