"""What the work on one account needs, and what it reports."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets.settings.trakt import TraktSettings
from sync_assets.trakt.cursors import move_cursor, read_cursor
from sync_assets.trakt.parsing import ItemError

Parsed = TypeVar("Parsed")


class Source(Protocol):
    """What of `client.TraktClient` the logic uses."""

    requests: int
    pages: int

    def last_activities(self) -> Any:
        """Ask when something changed last."""
        ...

    def items(
        self, path: str, parameters: Mapping[str, str] | None = None, *, paged: bool = True
    ) -> list[Mapping[str, Any]]:
        """Read a list, all pages of it."""
        ...


@dataclass
class Outcome:
    """What was done.

    Attributes:
        numbers: What the UI plots.
        failures: Items that could not be read.
        months: Months of the history whose files were replaced.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    months: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AccountWork:
    """One account, and where its data come from and go to.

    Attributes:
        name: The account's name in the configuration.
        settings: The domain's configuration.
        source: Trakt.
        ledger: Holds the cursors.
        lake: Holds the tables.
        now: When the work began; stands in the rows.
    """

    name: str
    settings: TraktSettings
    source: Source
    ledger: Ledger
    lake: Lake
    now: datetime = field(default_factory=utc_now)

    def cursor(self, dataset: str) -> Mapping[str, Any]:
        """Return how far a data set is known."""
        with self.ledger.read() as connection:
            return read_cursor(connection, self.name, dataset)

    def move(self, dataset: str, value: Mapping[str, Any]) -> None:
        """Remember how far a data set is known; only after its rows are in the lake."""
        with self.ledger.write() as connection:
            move_cursor(connection, self.name, dataset, value)


def parse_each(
    items: Iterable[Mapping[str, Any]],
    parse: Callable[[Mapping[str, Any]], Parsed],
    failures: list[str],
) -> list[Parsed]:
    """Parse items; one that makes no sense is a failure, the others go on.

    Args:
        items: The items.
        parse: Reads one; raises `ItemError`.
        failures: Gets the failures' texts.
    """
    parsed = []
    for item in items:
        try:
            parsed.append(parse(item))
        except ItemError as error:
            failures.append(str(error))
    return parsed
