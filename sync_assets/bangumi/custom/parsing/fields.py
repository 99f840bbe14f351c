"""Read fields of a JSON object leniently: templates send numbers as text, and gaps as nothing."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from sync_assets.bangumi.custom.models import MalformedEventError

LONGEST_TEXT = 500
_LARGEST_NUMBER = 100_000


class Fields:
    """A JSON object of an event; what is absent, empty or of another kind reads as None.

    Args:
        values: The object.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def object(self, name: str) -> "Fields":
        """Return an object within it; an empty one where there is none."""
        value = self._values.get(name)
        return Fields(value if isinstance(value, dict) else {})

    def objects(self, name: str) -> list["Fields"]:
        """Return the objects of a list within it."""
        value = self._values.get(name)
        listed = value if isinstance(value, list) else []
        return [Fields(each) for each in listed if isinstance(each, dict)]

    def text(self, *names: str) -> str | None:
        """Return the first of some fields that holds a text."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str) and value.strip():
                return value.strip()[:LONGEST_TEXT]
        return None

    def required_text(self, *names: str) -> str:
        """Return the first of some fields that holds a text.

        Raises:
            MalformedEventError: None does.
        """
        found = self.text(*names)
        if found is None:
            message = f"The event has no {' or '.join(names)}."
            raise MalformedEventError(message)
        return found

    def number(self, *names: str) -> int | None:
        """Return the first of some fields that holds a whole number, not below zero."""
        for name in names:
            text = self.text(name)
            if text is not None and text.isascii() and text.isdigit():
                number = int(text)
                return number if number <= _LARGEST_NUMBER else None
        return None

    def required_number(self, *names: str) -> int:
        """Return the first of some fields that holds a whole number.

        Raises:
            MalformedEventError: None does.
        """
        found = self.number(*names)
        if found is None:
            message = f"The event has no number in {' or '.join(names)}."
            raise MalformedEventError(message)
        return found

    def flag(self, name: str) -> bool:
        """Say whether a field is true, or its name as text."""
        value = self._values.get(name)
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")

    def day(self, *names: str) -> date | None:
        """Return the first of some fields that begins with a day, as in 2026-04-02."""
        for name in names:
            try:
                return date.fromisoformat((self.text(name) or "")[:10])
            except ValueError:
                continue
        return None

    def moment(self, name: str) -> datetime | None:
        """Return a time, in ISO 8601 or as seconds since 1970; without a zone it is UTC."""
        text = self.text(name) or ""
        try:
            if text.isascii() and text.isdigit():
                return datetime.fromtimestamp(int(text), UTC)
            found = datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError):
            return None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
