"""A receiver of notifications: what Apprise's `json://` posts, kept."""

import json
from typing import Any

from sync_assets_tests.upstreams.sockets import Received, Reply, SocketServer


class NotificationReceiver(SocketServer):
    """A receiver on a free port. `status` is what it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.status = 200
        self.messages: list[dict[str, Any]] = []

    @property
    def apprise_url(self) -> str:
        """Its address, as Apprise writes it."""
        return self.url.replace("http://", "json://")

    def answer(self, request: Received) -> Reply:
        if self.status == 200:
            self.messages.append(json.loads(request.body))
        return Reply(b"", self.status)
