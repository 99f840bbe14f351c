"""Whole rounds of an account, and what they left, for the tests of the Pixiv domain."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from sync_assets.lake import Lake
from sync_assets.ledger import Ledger
from sync_assets.pixiv.account import Account
from sync_assets.pixiv.accounts import AccountState, read_account
from sync_assets.pixiv.announcing import Announcement
from sync_assets.pixiv.bookmarks import read_bookmarks
from sync_assets.pixiv.files import StoredFile, read_files
from sync_assets.pixiv.models import FileState, StageResult
from sync_assets.pixiv.pipeline import Round, download_files, make_animations, sync_bookmarks
from sync_assets.pixiv.works import Work, read_works


@dataclass
class FakeOutbox:
    """Takes posts as the Telegram outbox does: known by work, page and content."""

    posts: Counter[tuple[int, int, str]] = field(default_factory=Counter)

    def __call__(self, connection: Connection, announcement: Announcement) -> int:
        new = 0
        for file in announcement.files:
            key = (announcement.work_id, file.page, file.sha256)
            new += key not in self.posts
            self.posts[key] += 1
        return new


@dataclass
class Rounds:
    """Runs stages of an account."""

    account: Account
    ledger: Ledger
    lake: Lake
    outbox: FakeOutbox = field(default_factory=FakeOutbox)

    def configure(self, **changes: Any) -> None:
        """Change fields of the domain's configuration."""
        pixiv = self.account.pixiv.model_copy(update=changes)
        self.account = replace(self.account, pixiv=pixiv)

    def configure_account(self, **changes: Any) -> None:
        settings = self.account.settings.model_copy(update=changes)
        self.account = replace(self.account, settings=settings)

    def _round(self) -> Round:
        return Round(self.account, self.ledger, self.lake, self.outbox, run_id="run")

    def bookmarks(self) -> StageResult:
        return sync_bookmarks(self._round())

    def files(self) -> StageResult:
        return download_files(self._round())

    def animations(self) -> StageResult:
        return make_animations(self._round())

    def run(self) -> tuple[StageResult, StageResult, StageResult]:
        return self.bookmarks(), self.files(), self.animations()

    def rows(self) -> dict[int, dict[str, Any]]:
        return {row["work_id"]: row for row in read_bookmarks(self.lake, self.account.name)}

    def state(self) -> AccountState:
        with self.ledger.read() as connection:
            return read_account(connection, self.account.name, self.account.settings.user_id)

    def works(self) -> dict[int, Work]:
        with self.ledger.read() as connection:
            return read_works(connection, self.account.name)

    def verified(self) -> list[StoredFile]:
        with self.ledger.read() as connection:
            return read_files(connection, self.account.name, states={FileState.VERIFIED})

    def on_disk(self) -> dict[str, bytes]:
        root = self.account.download_directory
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and ".parts" not in path.parts
        }


def in_background(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
