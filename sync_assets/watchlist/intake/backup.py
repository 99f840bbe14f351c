"""Export and import: a user's watchlist as one JSON document, for backups and for moving.

The document holds what a user said, and which episodes are had or not wanted. What a check finds
by itself is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow, utc_now
from sync_assets.watchlist.intake import adding
from sync_assets.watchlist.intake.access import ProviderAccess
from sync_assets.watchlist.intake.earlier_form import translated
from sync_assets.watchlist.intake.forms import ItemForm, SettingsForm
from sync_assets.watchlist.models import EpisodeState
from sync_assets.watchlist.numbering import EpisodeNumber, UnusableNumberError
from sync_assets.watchlist.store import episodes, items, schedule, user_settings
from sync_assets.watchlist.store.episodes import SeenEpisode
from sync_assets.watchlist.store.searching import of_owner
from sync_assets.watchlist.titles import EpisodeKind

FORMAT = "sync_assets.watchlist"
VERSION = 1
MOST_ITEMS = 5_000
MOST_EPISODES = 5_000
_OWN_FIELDS = tuple(name for name in ItemForm.model_fields if name != "status")
_HAD = frozenset({EpisodeState.HAD, EpisodeState.DOWNLOADED})


class BackupError(SyncError):
    """A document is no watchlist."""


@dataclass(frozen=True)
class Refusal:
    """An item of a document that cannot be imported.

    Attributes:
        index: Its place in the document, from 0.
        problem: Why.
    """

    index: int
    problem: str


@dataclass
class ImportResult:
    """What became of a document.

    Attributes:
        added: Items that are new.
        kept: Items that were there already; nothing of them is changed but what is next.
        episodes: Episodes that are now known to be had or not wanted.
        refused: Items that cannot be imported.
    """

    added: int = 0
    kept: int = 0
    episodes: int = 0
    refused: list[Refusal] = field(default_factory=list)


def export(connection: Connection, owner: str) -> dict[str, Any]:
    """Write a user's watchlist as a document.

    Args:
        connection: A transaction of the ledger.
        owner: The user.
    """
    known = episodes.keys_in_state(connection, owner, *_HAD, EpisodeState.SKIPPED)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": utc_now().isoformat(timespec="seconds"),
        "settings": asdict(user_settings.read(connection, owner)),
        "items": [_exported(row, known.get(row.id, {})) for row in of_owner(connection, owner)],
    }


def restore(ledger: Ledger, access: ProviderAccess, owner: str, document: Any) -> ImportResult:
    """Add what a document holds; doing it again adds nothing.

    Nobody is asked: where providers do not answer now, the backup is restored all the same.

    Args:
        ledger: The ledger.
        access: Knows the providers, and which addresses may be asked.
        owner: The user.
        document: An exported document, or `watchlist.json` of the program that came before.

    Returns:
        What became of it.

    Raises:
        BackupError: The document is no watchlist.
    """
    entries, settings = _parts(document)
    if settings is not None:
        with ledger.write() as connection:
            user_settings.write(connection, owner, settings)
            schedule.reschedule_all(connection, owner)
    result = ImportResult()
    for index, entry in enumerate(entries):
        try:
            form, seen = _read(entry)
            access.guard.check_url(form.url)
            new = adding.said(access, form)
        except ValidationError as error:
            result.refused.append(Refusal(index, _problem(error)))
        except SyncError as error:
            result.refused.append(Refusal(index, f"{error.message} {error.remedy}"))
        else:
            with ledger.write() as connection:
                row = items.find(connection, owner, form.url)
                result.kept += row is not None
                result.added += row is None
                row = row or items.add(connection, owner, new)
                result.episodes += len(episodes.see(connection, row, seen))
    return result


def _exported(row: AnyRow, known: Mapping[str, list[str]]) -> dict[str, Any]:
    said = {name: getattr(row, name) for name in _OWN_FIELDS}
    if row.ends_on is not None:
        said["ends_on"] = row.ends_on.isoformat()
    had = [key for state in _HAD for key in known.get(state, ())]
    return {
        **said,
        "status": row.state,
        "had": sorted(had),
        "skipped": sorted(known.get(EpisodeState.SKIPPED, ())),
    }


def _parts(document: Any) -> tuple[Sequence[Any], user_settings.UserSettings | None]:
    entries: Any = document
    settings = None
    if isinstance(document, Mapping) and document.get("format") == FORMAT:
        if document.get("version") != VERSION:
            raise _no_watchlist(f"its version is not {VERSION}")
        entries = document.get("items")
        settings = _settings(document.get("settings"))
    else:
        entries = translated(document)
    if not isinstance(entries, list):
        raise _no_watchlist("it holds no list of items")
    if len(entries) > MOST_ITEMS:
        raise _no_watchlist(f"it holds more than {MOST_ITEMS} items")
    return entries, settings


def _settings(said: Any) -> user_settings.UserSettings | None:
    if said is None:
        return None
    try:
        form = SettingsForm.model_validate(said)
    except ValidationError as error:
        raise _no_watchlist(f"its settings: {_problem(error)}") from error
    return user_settings.UserSettings(**form.model_dump())


def _read(entry: Any) -> tuple[ItemForm, list[SeenEpisode]]:
    if not isinstance(entry, Mapping):
        raise _no_watchlist("an item is no object")
    fields = {name: value for name, value in entry.items() if name not in ("had", "skipped")}
    seen = [
        SeenEpisode(number, state=state)
        for name, state in (("had", EpisodeState.HAD), ("skipped", EpisodeState.SKIPPED))
        for number in _numbers(entry.get(name, []))
    ]
    return ItemForm.model_validate(fields), seen


def _numbers(keys: Any) -> Iterable[EpisodeNumber]:
    if not isinstance(keys, list) or len(keys) > MOST_EPISODES:
        raise _no_watchlist(f"an item's episodes are no list of at most {MOST_EPISODES}")
    return [_number(key) for key in keys]


def _number(key: Any) -> EpisodeNumber:
    try:
        kind, season, number = str(key).split(":")
        return EpisodeNumber(
            int(season) if season else None,
            Decimal(number) if number else None,
            EpisodeKind(kind),
        )
    except (ValueError, InvalidOperation) as error:
        raise UnusableNumberError(
            f"{str(key)[:40]!r} is no episode.", remedy="Write it like regular:1:12.5."
        ) from error


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _no_watchlist(why: str) -> BackupError:
    return BackupError(
        f"The document is no watchlist: {why}.",
        remedy="Send what GET /api/watchlist/export gave, or a watchlist.json.",
    )
