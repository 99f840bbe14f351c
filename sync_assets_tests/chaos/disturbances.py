"""What goes wrong during a chaos: programs are killed, and all others misbehave."""

import random
from collections.abc import Callable, Mapping, Sequence

from sync_assets.settings.relay import ReceiveMode
from sync_assets_tests.chaos.plan import CHATS
from sync_assets_tests.chaos.programs import kill_children
from sync_assets_tests.chaos.stage import Stage

SERVER_KILLED = "server killed"

_TOO_MANY_REQUESTS = "429 Too Many Requests: retry after 1"


class Disturbances:
    """Disturbs, as the seed decides.

    Args:
        stage: What is disturbed.
        chance: Decides.
    """

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self._stage = stage
        self._chance = chance
        self._kinds: Mapping[str, Callable[[], None]] = {
            "worker killed": stage.worker.kill,
            SERVER_KILLED: stage.server.kill,
            "aria2 killed": self._kill_aria2,
            "rclone killed": lambda: self._kill_child("rclone"),
            "origin failed": self._fail_origin,
            "cloud refused": self._refuse,
            "Bot API failed": self._fail_telegram,
            "links expired": stage.telegram.incoming.expire_links,
        }

    def sequence(self, count: int) -> Sequence[str]:
        """Return what is to happen: each kind once, and then whatever comes.

        Args:
            count: How much.
        """
        kinds = sorted(self._kinds)
        first = self._chance.sample(kinds, len(kinds))
        return [*first, *self._chance.choices(kinds, k=max(0, count - len(first)))][:count]

    def pause_seconds(self) -> float:
        """Return how long to wait for the next one."""
        return self._chance.uniform(0.2, 1.2)

    def moment_seconds(self) -> float:
        """Return how long a request that has just begun may go on."""
        return self._chance.uniform(0.0, 0.05)

    def do(self, kind: str) -> None:
        """Let one happen."""
        self._kinds[kind]()

    def _kill_aria2(self) -> None:
        if self._stage.own_aria2 is not None:
            self._stage.own_aria2.kill()
        else:
            self._kill_child("aria2c")

    def _kill_child(self, name: str) -> None:
        worker = self._stage.worker.process_id
        if worker is not None:
            kill_children(worker, name)

    def _fail_origin(self) -> None:
        path = self._chance.choice(sorted(self._stage.origin.resources))
        kind = self._chance.choice(["status", "cut", "reset", "page"])
        status = self._chance.choice([429, 500, 503])
        self._stage.origin.fail(path, kind, status=status, after=20_000)

    def _refuse(self) -> None:
        method = self._chance.choice(["PUT", "MOVE", "PROPFIND"])
        self._stage.cloud.refuse(method, self._chance.choice([429, 500, 503]), times=2)

    def _fail_telegram(self) -> None:
        polls = self._stage.receive is ReceiveMode.POLLING
        method = self._chance.choice(["getUpdates", "getFile"] if polls else ["getFile"])
        # Of a method that names a chat, the chat; of another one, the method itself.
        about = self._chance.choice([method, method, str(self._chance.choice(CHATS))])
        errors = [_TOO_MANY_REQUESTS, "502 Bad Gateway"]
        if about == "getUpdates":
            errors.append("409 Conflict: terminated by other getUpdates request")
        kind = self._chance.choice(["error", "error", "reset", "cut"])
        text, times = self._chance.choice(errors), self._chance.randint(1, 3)
        if text == _TOO_MANY_REQUESTS:
            self._stage.telegram.fail(kind, times=times, chat_id=about, text=text, retry_after=1)
        else:
            self._stage.telegram.fail(kind, times=times, chat_id=about, text=text)
