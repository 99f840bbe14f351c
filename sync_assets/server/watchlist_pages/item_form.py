"""The form of an item: what its fields hold, what they mean, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from sync_assets.addresses import AddressError
from sync_assets.errors import SyncError
from sync_assets.server.watchlist.answers import ItemAnswer
from sync_assets.server.watchlist.previews import PreviewAnswer
from sync_assets.watchlist.access import NoSuchProviderError
from sync_assets.watchlist.adding import TitleMissingError
from sync_assets.watchlist.items import AlreadyWatchedError
from sync_assets.watchlist.models import Quality
from sync_assets.watchlist.previewing import ProviderUnknownError
from sync_assets.watchlist.providers import PageUnavailableError

_TEXTS = (
    "url",
    "title",
    "provider",
    "language",
    "quality",
    "poster_url",
    "synopsis",
    "folder_template",
    "catalog_key",
)
_WHOLE_NUMBERS = ("check_interval_hours", "numbering_offset", "expected_episodes")
_LISTS = ("preferred_groups", "genres")
_MAY_BE_EMPTY = ("synopsis",)
QUALITY_OPTIONS = [(str(each), "The best" if each is Quality.AUTO else each) for each in Quality]
"""What the form offers as the wanted picture."""

DEFAULTS = {"quality": str(Quality.AUTO), "numbering_offset": "0", "auto_download": "true"}
"""What the form of a new item holds before anybody says anything."""

_FIELD_OF_ERROR: Mapping[type[SyncError], str] = {
    AlreadyWatchedError: "url",
    AddressError: "url",
    PageUnavailableError: "url",
    ProviderUnknownError: "provider",
    NoSuchProviderError: "provider",
    TitleMissingError: "title",
}


@dataclass
class ItemFormView:
    """A form as it is shown.

    Attributes:
        values: What each field holds, as text; a checked box holds `true`.
        errors: What is wrong, by field.
        known_id: The item that has the address already.
    """

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    known_id: int | None = None

    def value(self, name: str) -> str:
        """Return what a field holds."""
        return self.values.get(name, "")

    def error(self, name: str) -> str:
        """Return what is wrong with a field; nothing where it can be used."""
        return self.errors.get(name, "")


def spoken(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what the fields of a form mean, for the forms of the API; what is empty is None.

    What is no number stays a text, which those forms refuse with the range.

    Args:
        form: What was sent.
    """
    meant: dict[str, Any] = {}
    for name in _TEXTS:
        text = form.get(name, "").strip()
        meant[name] = text or ("" if name in _MAY_BE_EMPTY else None)
    for name in _WHOLE_NUMBERS:
        meant[name] = _whole_number(form.get(name, ""))
    for name in _LISTS:
        words = form.get(name, "").replace("、", ",").replace("\n", ",").split(",")
        meant[name] = [word.strip() for word in words if word.strip()]
    meant["ends_on"] = form.get("ends_on", "").strip() or None
    meant["quality"] = meant["quality"] or Quality.AUTO
    meant["auto_download"] = form.get("auto_download") == "true"
    if meant["numbering_offset"] is None:
        meant["numbering_offset"] = 0
    return meant


def from_preview(seen: PreviewAnswer, form: Mapping[str, str]) -> dict[str, str]:
    """Return the form to add what was looked at; what the user said already stays.

    Args:
        seen: What was found.
        form: What was sent to look at it.
    """
    found = {
        "title": seen.title or "",
        "provider": seen.provider,
        "poster_url": seen.poster_url or "",
        "synopsis": seen.synopsis,
        "genres": ", ".join(seen.genres),
    }
    return DEFAULTS | found | {name: text for name, text in form.items() if text.strip()}


def from_item(item: ItemAnswer) -> dict[str, str]:
    """Return the form to change an item.

    Args:
        item: The item.
    """
    values = {name: _text(getattr(item, name)) for name in (*_TEXTS, *_WHOLE_NUMBERS, "ends_on")}
    values |= {name: ", ".join(getattr(item, name)) for name in _LISTS}
    return values | {"auto_download": "true" if item.auto_download else ""}


def field_errors(error: ValidationError) -> dict[str, str]:
    """Return what is wrong with each field, for people.

    Args:
        error: Why the form cannot be used.
    """
    wrong: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        wrong.setdefault(name, _sentence(name, problem["type"], problem["msg"]))
    return wrong


def refused(form: Mapping[str, str], error: SyncError) -> ItemFormView:
    """Return the form with an error beside the field that it is about.

    Args:
        form: What was sent.
        error: Why it is not done.

    Raises:
        SyncError: It is about no field.
    """
    name = next((name for kind, name in _FIELD_OF_ERROR.items() if isinstance(error, kind)), None)
    if name is None:
        raise error
    known_id = error.item_id if isinstance(error, AlreadyWatchedError) else None
    return ItemFormView(form, {name: f"{error.message} {error.remedy}"}, known_id)


def _whole_number(text: str) -> int | str | None:
    text = text.strip()
    try:
        return int(text) if text else None
    except ValueError:
        return text


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _sentence(name: str, kind: str, message: str) -> str:
    if kind in ("int_type", "int_parsing", "int_from_float"):
        return "Must be a whole number."
    if name == "language" and kind == "string_pattern_mismatch":
        return "May hold letters, digits and hyphens only, such as vostfr or ja."
    if name == "ends_on":
        return "Must be a day, such as 2026-11-22."
    if kind in ("string_type", "missing"):
        return "Must not be empty."
    text = message.removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
