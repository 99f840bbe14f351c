"""What the user has decided: rules in a TOML file that can be edited, shared and put under git.

```toml
[[rule]]
tmdb = 65942            # or trakt, tvdb, imdb, title
season = 1
first = 26              # without first and last: the whole season
last = 38
subject = 278826
offset = -25            # added to the episode's number; 0 without it
special = false         # true: the subject's specials are meant
note = "Second season"

[[rule]]
title = "My holiday films"
ignore = true
```
"""

import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sync_assets.bangumi.matching.models import (
    EpisodeType,
    MediaType,
    Method,
    Placement,
    WatchedItem,
)
from sync_assets.catalog.models import Provider
from sync_assets.catalog.titles import fold
from sync_assets.errors import SyncError


class OverridesError(SyncError):
    """The file of overrides cannot be read, or a rule in it is wrong."""


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Identifier = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]


class OverrideRule(BaseModel):
    """A rule: which items it is about, and what becomes of them.

    Attributes:
        tmdb: The show's or film's id at TMDB; so with the other three.
        title: Its title, where it has no ids; width, case and punctuation make no difference.
        media_type: `episode` or `movie`; both without it.
        season: The season; all without it.
        first: The first episode.
        last: The last one.
        subject: The Bangumi subject.
        offset: What to add to the episode's number to have the subject's.
        special: Whether the subject's specials are meant, not its main episodes.
        ignore: Leave these items alone.
        note: For people.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tmdb: Identifier | None = None
    trakt: Identifier | None = None
    tvdb: Identifier | None = None
    imdb: Identifier | None = None
    title: str | None = Field(default=None, min_length=1)
    media_type: Annotated[MediaType | None, Field(strict=False)] = None
    season: int | None = Field(default=None, ge=0)
    first: int | None = Field(default=None, ge=1)
    last: int | None = Field(default=None, ge=1)
    subject: int | None = Field(default=None, ge=1)
    offset: int = 0
    special: bool = False
    ignore: bool = False
    note: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not any((self.tmdb, self.trakt, self.tvdb, self.imdb, self.title)):
            message = "needs tmdb, trakt, tvdb, imdb or title"
            raise ValueError(message)
        if (self.subject is None) is not self.ignore:
            message = "needs either subject or ignore = true"
            raise ValueError(message)
        if self.first is not None and self.last is not None and self.last < self.first:
            message = "last is smaller than first"
            raise ValueError(message)
        if self.first is not None and self.first + self.offset < 1:
            message = "the offset leads to episodes below 1"
            raise ValueError(message)
        return self

    def applies_to(self, item: WatchedItem) -> bool:
        """Say whether an item is meant."""
        if self.media_type is not None and self.media_type is not item.media_type:
            return False
        if not self._names(item):
            return False
        if self.season is not None and self.season != item.season:
            return False
        number = item.number
        below = self.first is not None and (number is None or number < self.first)
        above = self.last is not None and (number is None or number > self.last)
        return not (below or above)

    @property
    def precision(self) -> int:
        """How narrow the rule is: of several that apply, the narrowest counts."""
        return sum(each is not None for each in (self.season, self.first, self.last))

    def _names(self, item: WatchedItem) -> bool:
        identifiers = {
            Provider.TMDB: self.tmdb,
            Provider.TRAKT: self.trakt,
            Provider.TVDB: self.tvdb,
            Provider.IMDB: self.imdb,
        }
        if any(identifiers[work.provider] == work.identifier for work in item.works):
            return True
        titles = {fold(title) for title in (item.title, item.original_title) if title}
        return self.title is not None and fold(self.title) in titles


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    rule: list[OverrideRule] = []


class Overrides:
    """The rules of a user.

    Args:
        rules: The rules, in the order of the file; of equally narrow ones the first counts.
    """

    def __init__(self, rules: Iterable[OverrideRule] = ()) -> None:
        self.rules: Sequence[OverrideRule] = tuple(sorted(rules, key=lambda rule: -rule.precision))

    def rule_for(self, item: WatchedItem) -> OverrideRule | None:
        """Return the rule that counts for an item, if there is one."""
        return next((rule for rule in self.rules if rule.applies_to(item)), None)


def placement_of(rule: OverrideRule, item: WatchedItem) -> Placement | None:
    """Return where a rule puts an item; None where it leads to no episode."""
    episode = (item.number or 1) + rule.offset
    if rule.subject is None or episode < 1:
        return None
    kind = EpisodeType.SPECIAL if rule.special else EpisodeType.MAIN
    return Placement(rule.subject, episode, Method.OVERRIDE, "your rule", 1.0, kind)


def read_overrides(path: Path) -> Overrides:
    """Read the rules.

    Args:
        path: The file; where there is none, there are no rules.

    Returns:
        The rules.

    Raises:
        OverridesError: It cannot be read, or a rule is wrong; the message names all wrong fields.
    """
    try:
        return parse_overrides(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return Overrides()
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8: {error}."
        raise OverridesError(message, remedy="Mend the line; nothing is matched.") from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise OverridesError(message, remedy="Check its owner and mode.") from error


def parse_overrides(text: str, path: Path) -> Overrides:
    """Parse the rules.

    Args:
        text: The content of the file.
        path: The file, for messages.

    Returns:
        The rules.

    Raises:
        OverridesError: It is not TOML, or a rule is wrong; the message names all wrong fields.
    """
    try:
        return Overrides(_File(**tomllib.loads(text)).rule)
    except ValidationError as error:
        problems = "; ".join(_described(each) for each in error.errors())
        message = f"{path}: {problems}."
        raise OverridesError(message, remedy="Correct these rules; nothing is matched.") from error
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {error}."
        raise OverridesError(message, remedy="Mend the line; nothing is matched.") from error


def _described(error: Any) -> str:
    location = list(error["loc"])
    if len(location) > 1 and location[0] == "rule":
        location[:2] = [f"rule {location[1] + 1}"]
    where = ".".join(str(part) for part in location)
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"
