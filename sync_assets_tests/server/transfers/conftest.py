"""A server whose relay is on, and what lies in its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sync_assets.ledger import Ledger
from sync_assets.ledger.events import RecordedEvent, read_events
from sync_assets.ledger.tokens import Scope
from sync_assets.ledger.types import utc_now
from sync_assets.relay import downloads, enqueue
from sync_assets.relay.models import DownloadState, Reason, ReasonCode, UploadState
from sync_assets.relay.uploads import UPLOADS
from sync_assets.settings import Settings
from sync_assets.settings.relay import RelaySettings

PUBLIC = "http://93.184.216.34"
"""A host that is known without a name server; nothing in these tests goes there."""


@dataclass
class Transfers:
    """What lies in a server's ledger, as a worker would have written it."""

    ledger: Ledger
    root: Path

    def add(self, path: str, **values: Any) -> int:
        with self.ledger.write() as connection:
            return enqueue(connection, source="test", link=f"{PUBLIC}/{path}", **values).download_id

    def complete(self, download_id: int, content: bytes = b"film") -> Path:
        """Bring a download to its end, with its file."""
        with self.ledger.write() as connection:
            row = downloads.get(connection, download_id)
            path = self.root / row.gid / "film.mkv"
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            downloads.complete(
                connection, [downloads.Finished(row, str(path), len(content), None)], run_id="a run"
            )
        return path

    def fail(self, download_id: int) -> None:
        with self.ledger.write() as connection:
            row = downloads.get(connection, download_id)
            why = Reason(ReasonCode.NOT_FOUND, "The origin has no such file. Check the link.")
            downloads.end(connection, row, DownloadState.FAILED, why, run_id="a run")

    def upload(self, download_id: int, state: str, target: str = "cloud", **values: Any) -> int:
        usual: dict[str, Any] = {
            "download_id": download_id,
            "target": target,
            "part_id": f"{download_id}-{target}",
            "is_required": True,
            "created_at": utc_now(),
        }
        first = UploadState.PENDING
        if state == UploadState.WAITING_DOWNLOAD:
            first = UploadState.WAITING_DOWNLOAD
        with self.ledger.write() as connection:
            (upload_id,) = UPLOADS.create(connection, [{**usual, "state": first}])
            assert upload_id is not None
            if state != first:
                UPLOADS.transition(connection, upload_id, UploadState(state), **values)
        return upload_id

    def events(self, entity: str, entity_id: int) -> list[RecordedEvent]:
        with self.ledger.read() as connection:
            return read_events(connection, entity=entity, entity_id=str(entity_id))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    relay = RelaySettings(
        enabled=True,
        download_directory=tmp_path / "downloads",
        allowed_private_hosts=("192.168.1.0/24",),
    )
    return Settings(home=tmp_path, relay=relay)


@pytest.fixture
def transfers(ledger: Ledger, settings: Settings) -> Transfers:
    return Transfers(ledger, settings.relay.download_directory)


@pytest.fixture
def user(headers_for) -> Mapping[str, str]:
    return headers_for(Scope.USER)


@pytest.fixture
def admin(headers_for) -> Mapping[str, str]:
    return headers_for(Scope.ADMIN)


@pytest.fixture
def api(client: TestClient, user: Mapping[str, str]) -> TestClient:
    """A client with a user's token."""
    client.headers.update(user)
    return client
