"""Column types that behave the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Row, Text, TypeDecorator


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


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal number, stored as text in its one shortest form: 12, 12.5.

    SQLite has no exact decimals. To compare or sort as numbers, cast to Numeric in the query.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write the shortest form, so that equal numbers are equal texts."""
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Return the number."""
        return None if value is None else Decimal(value)


def decimal_text(value: Decimal) -> str:
    """Return a decimal number's one shortest form, without an exponent: 12, 12.5, 0.

    Args:
        value: A finite number.

    Raises:
        ValueError: It is not finite.
    """
    if not value.is_finite():
        message = f"no number: {value}"
        raise ValueError(message)
    # Normalising rounds to the context's precision; trailing zeros of the text say the same.
    shown = f"{value:f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


AnyRow = Row[*tuple[Any, ...]]
"""A row of whatever columns."""

RowId = BigInteger().with_variant(Integer(), "sqlite")
"""A generated key; only SQLite's INTEGER is an alias of its row id."""


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
