"""Telegram's side of a webhook, as https://core.telegram.org/bots/api#setwebhook describes it.

Each update is sent, oldest first, until it is answered with a 2xx; the secret that the webhook was
set with is in a header of its own. An answer that is lost on the way brings the same update again.
"""

import threading
from types import TracebackType
from typing import Self

import httpx

from sync_assets_tests.upstreams.telegram_incoming import Incoming

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
PAUSE_SECONDS = 0.1
"""Between two attempts; Telegram's own pauses are longer."""


class WebhookSender:
    """Delivers what a bot receives, for the length of a `with` block.

    Args:
        incoming: What the bot receives.
        url: The webhook.
        secret: Its `secret_token`.
        every_lost_answer: Of so many answers one is lost on the way.
    """

    def __init__(
        self, incoming: Incoming, url: str, secret: str, *, every_lost_answer: int = 5
    ) -> None:
        self._incoming = incoming
        self._url = url
        self._secret = secret
        self._every_lost_answer = every_lost_answer
        self._answers = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._incoming.webhook_is_set = True
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join(30)

    def _work(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not self._stopped.wait(PAUSE_SECONDS):
                for update in self._incoming.waiting():
                    if self._stopped.is_set() or not self._deliver(client, update):
                        break

    def _deliver(self, client: httpx.Client, update: dict) -> bool:
        try:
            answer = client.post(self._url, json=update, headers={SECRET_HEADER: self._secret})
        except httpx.HTTPError:
            return False
        if not answer.is_success:
            return False
        self._answers += 1
        if self._answers % self._every_lost_answer == 0:
            return False
        self._incoming.confirm(update["update_id"])
        return True
