"""Look for secrets wherever the project and its programs write, and in whatever they say."""

import json
import subprocess
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from sync_assets.ledger.schema import relay_media
from sync_assets.ledger.secrets import KEY_FILE_NAME, load_key
from sync_assets.relay.aria2.tasks import CONTROL_SUFFIX
from sync_assets.relay.bot_api import BotApi
from sync_assets.relay.gateway import Gateway
from sync_assets.relay.models import DownloadKind
from sync_assets_tests.chaos.files import files_below, read_if_there
from sync_assets_tests.chaos.stage import Stage

KEY = "the home's key"
ARIA2_SECRET = "aria2's RPC secret"
SIGNATURE = "a signature of the gateway"

MAY_HOLD: Mapping[str, str] = {
    # What encrypts the table of secrets has to be somewhere; nobody else can read it.
    KEY_FILE_NAME: KEY,
}
"""Files below the home, readable by their owner alone, and the one secret that each may hold."""

MAY_HOLD_FOR_A_MOMENT: Mapping[str, str] = {
    # aria2 takes its secret from an argument, which everybody sees, or from a file: removed as soon
    # as it answers, and by the next start where a worker was killed in between.
    "relay/aria2/aria2.conf": ARIA2_SECRET,
}
"""The same, but not when everything rests."""


class SecretSearch:
    """Finds secrets, in any form in which they are written.

    Args:
        secrets: Each with its name.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self._forms = {form.encode(): name for name, secret in secrets for form in _forms(secret)}

    def without(self, name: str) -> "SecretSearch":
        """Return a search that does not know a secret."""
        search = SecretSearch(())
        search._forms = {form: each for form, each in self._forms.items() if each != name}
        return search

    def names_in(self, content: bytes) -> frozenset[str]:
        """Return the names of the secrets that are somewhere in a text."""
        return frozenset(name for form, name in self._forms.items() if form in content)

    def found(self, where: str, content: bytes) -> Iterator[str]:
        """Say which secrets are somewhere in a text."""
        for name in sorted(self.names_in(content)):
            yield f"no secret anywhere: {where} holds {name}"

    def found_in_home(self, home: Path, *, at_rest: bool) -> Iterator[str]:
        """Say which secrets lie below the home, beside those that have to.

        Args:
            home: The home.
            at_rest: Whether nothing runs any more.
        """
        allowed = MAY_HOLD if at_rest else {**MAY_HOLD, **MAY_HOLD_FOR_A_MOMENT}
        with tempfile.TemporaryDirectory(prefix="sync-chaos-home-") as copy:
            # By another process: where one that has a SQLite file open closes it after reading it
            # as a file, SQLite's locks are gone. What vanishes meanwhile is not copied.
            subprocess.run(["cp", "-rp", f"{home}/.", copy], stderr=subprocess.DEVNULL, check=False)
            for path, content in _contents(files_below(Path(copy))):
                name = path.relative_to(copy).as_posix()
                for found in self.found(f"home/{name}", content):
                    if not (found.endswith(allowed.get(name, " ")) and _is_private(path)):
                        yield found

    def found_in_files(self, paths: Iterable[Path]) -> Iterator[str]:
        """Say which secrets lie in files."""
        for path, content in _contents(paths):
            yield from self.found(path.name, content)


def search_of(stage: Stage) -> SecretSearch:
    """Make a search for all secrets that there are by now.

    Args:
        stage: Where they are known.
    """
    key = load_key(stage.settings.home)
    return SecretSearch(
        [*stage.secrets(), (KEY, key.decode()), *((SIGNATURE, each) for each in _signatures(stage))]
    )


def found_at_programs(stage: Stage, search: SecretSearch) -> Iterator[str]:
    """Say which secrets are in what programs print, log and keep, below the home or not.

    Args:
        stage: Where they are.
        search: What is looked for.
    """
    yield from search.found_in_files(stage.logs.values())
    # aria2 needs the address of the gateway, signed, to fetch a file: nobody else gets it.
    for_aria2 = search.without(SIGNATURE)
    yield from for_aria2.found_in_files(files_below(stage.left))
    # Control files of aria2 beside what it downloads.
    downloaded = files_below(stage.settings.relay.download_directory)
    controls = [path for path in downloaded if path.name.endswith(CONTROL_SUFFIX)]
    yield from for_aria2.found_in_files(controls)


def _signatures(stage: Stage) -> Collection[str]:
    with stage.ledger.read() as connection:
        columns = relay_media.c
        query = relay_media.select().where(columns.kind == DownloadKind.TELEGRAM)
        ids = [row.id for row in connection.execute(query)]
    with BotApi(stage.settings.telegram) as bot:
        gateway = Gateway(stage.ledger, bot, load_key(stage.settings.home))
        return [gateway.url(media_id).rpartition("/")[2] for media_id in ids]


def _forms(secret: str) -> Collection[str]:
    """Return how a secret is written: as it is, in JSON, and in an address."""
    return {secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")}


def _contents(paths: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    for path in paths:
        content = read_if_there(path)
        if content is not None:
            yield path, content


def _is_private(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0
