"""Everything that a chaos needs: the stand-ins, the configuration and the programs."""

import json
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sync_assets.ledger import Ledger
from sync_assets.ledger.tokens import Scope, create_token
from sync_assets.ops.services import free_port
from sync_assets.ops.tools import TOOLS
from sync_assets.relay.aria2.rpc import Aria2Client
from sync_assets.settings import Settings
from sync_assets.settings.relay import ReceiveMode
from sync_assets_tests.chaos.plan import CHATS, SENDER
from sync_assets_tests.chaos.programs import Program, Tools, aria2_client
from sync_assets_tests.upstreams.clouds import Clouds
from sync_assets_tests.upstreams.faulty_cloud import FaultyCloud
from sync_assets_tests.upstreams.origin import OriginServer
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer
from sync_assets_tests.upstreams.telegram_webhooks import WebhookSender

TARGETS = {"webdav": "gdrive", "sftp": "onedrive"}
"""The targets, and the clouds behind them."""

WEBHOOK_SECRET = "the-secret-token-of-the-webhook"
OWN_ARIA2_SECRET = "the-secret-of-an-aria2-that-runs-already"

_LOOPBACK = "127.0.0.1"


class Stage:
    """What a chaos happens on, for the length of a `with` block.

    Args:
        directory: An empty folder for all files.
        chance: Decides how messages come in, and whose aria2 is used.
    """

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self.directory = directory
        self.left = directory / "left"
        self.receive = chance.choice([ReceiveMode.POLLING, ReceiveMode.WEBHOOK])
        self.has_own_aria2 = chance.random() < 0.5
        self.origin = OriginServer()
        self.telegram = TelegramServer()
        self.clouds = Clouds(directory / "clouds")
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for server in (self.origin, self.telegram, self.clouds):
            self._stack.enter_context(server)
        self.cloud = self._stack.enter_context(FaultyCloud(self.clouds.url("gdrive")))
        self.clouds.configure(webdav_url=self.cloud.url)
        for chat in CHATS:
            self.telegram.add_chat(str(chat))
        self.tools = Tools(self.directory / "tools", self.left)
        self.server_port, self._aria2_port = free_port(_LOOPBACK), free_port(_LOOPBACK)
        options = self._options()
        self.settings = Settings.model_validate(options)
        (self.directory / "sync.toml").write_text("\n".join(_toml(options)))
        self.ledger = Ledger.open(self.settings.ledger_url)
        self._stack.callback(self.ledger.close)
        with self.ledger.write() as connection:
            _, self.user_token = create_token(connection, "a client", Scope.USER)
            _, self.admin_token = create_token(connection, "a browser", Scope.ADMIN)
        self.worker = self._program("worker", "-m", "sync_assets_tests.chaos.relay_worker")
        self.server = self._program("server", "-m", "sync_assets.server")
        self.own_aria2 = self._own_aria2() if self.has_own_aria2 else None
        if self.receive is ReceiveMode.WEBHOOK:
            webhook = f"{self.server_url}/api/v1/webhook/telegram"
            sender = WebhookSender(self.telegram.incoming, webhook, WEBHOOK_SECRET)
            self._stack.enter_context(sender)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def server_url(self) -> str:
        """Where the server listens."""
        return f"http://{_LOOPBACK}:{self.server_port}"

    @property
    def logs(self) -> Mapping[str, Path]:
        """What the programs print, by program."""
        return {path.stem: path for path in sorted(self.directory.glob("*.log"))}

    def require(self) -> None:
        """Start whatever does not run; a worker ends when everything rests."""
        for program in (self.own_aria2, self.server, self.worker):
            if program is not None:
                program.require()

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        self.cloud.refusals.clear()
        self.origin.faults.clear()
        self.telegram.faults.clear()

    def aria2(self) -> Aria2Client | None:
        """Return a connection to the aria2 that works now; None where there was none yet."""
        if self.has_own_aria2:
            return aria2_client(self._aria2_port, OWN_ARIA2_SECRET)
        return self.tools.aria2()

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Return whatever must appear nowhere, each with its name."""
        # The number before the colon is the bot's public id, and so is that of a bearer token.
        yield "the bot's token", TOKEN.partition(":")[2]
        yield "the user's bearer token", self.user_token.split("_", 2)[2]
        yield "the administrator's bearer token", self.admin_token.split("_", 2)[2]
        yield "the webhook's secret", WEBHOOK_SECRET
        yield "the secret of the own aria2", OWN_ARIA2_SECRET
        yield from self.clouds.secrets().items()
        yield from self.tools.secrets()

    def program(self, name: str, *command: str | Path, **environment: str) -> Program:
        """Make a program that is configured as all the others are.

        Args:
            name: What its log is called.
            *command: Its command line.
            **environment: Further variables.
        """
        program = Program(
            command,
            log=self.directory / f"{name}.log",
            directory=self.directory,
            environment={"SYNC_CONFIG": str(self.directory / "sync.toml"), **environment},
        )
        self._stack.callback(program.kill)
        return program

    def _program(self, name: str, *arguments: str) -> Program:
        return self.program(name, sys.executable, *arguments)

    def _own_aria2(self) -> Program:
        """Make an aria2 as a user keeps it running, with a session and a log."""
        session, configuration = self.left / "own-aria2.session", self.directory / "own-aria2.conf"
        session.touch()
        options = {
            "enable-rpc": "true",
            "rpc-listen-port": str(self._aria2_port),
            "rpc-secret": OWN_ARIA2_SECRET,
            "input-file": str(session),
            "save-session": str(session),
            "save-session-interval": "1",
            "auto-save-interval": "1",
            "continue": "true",
            "file-allocation": "none",
            "disk-cache": "0",
            "log": str(self.left / "own-aria2.log"),
            "log-level": "info",
        }
        lines = [f"{name}={value}" for name, value in options.items()]
        configuration.write_text("\n".join(lines) + "\n")
        program = TOOLS["aria2c"].installed
        return self.program("own-aria2", program, f"--conf-path={configuration}", "--quiet")

    def _options(self) -> dict[str, Any]:
        targets = {
            name: {
                "kind": "rclone",
                "remote": f"{cloud}:",
                "path": "{name}",
                "config_path": str(self.clouds.config_path),
                "options": {"low-level-retries": "1", "contimeout": "5s"},
            }
            for name, cloud in TARGETS.items()
        }
        own_aria2 = {
            "url": f"http://{_LOOPBACK}:{self._aria2_port}/jsonrpc",
            "secret": OWN_ARIA2_SECRET,
        }
        return {
            "home": str(self.directory / "home"),
            "server": {"port": self.server_port},
            "dagster": {"port": free_port(_LOOPBACK)},
            "tools": {name: str(path) for name, path in self.tools.paths.items()},
            "telegram": {"bot_token": TOKEN, "base_url": self.telegram.url},
            "relay": {
                "enabled": True,
                "download_directory": str(self.directory / "downloads"),
                "receive": self.receive.value,
                "webhook_secret": WEBHOOK_SECRET,
                "allowed_users": [SENDER],
                "allowed_private_hosts": [_LOOPBACK],
                "disk_free_threshold_bytes": 0,
                "retry_backoff_initial_seconds": 0.1,
                "retry_backoff_multiplier": 1,
                "max_attempts": 50,
                "timeout_seconds": 5,
                "targets": targets,
                **({"aria2": own_aria2} if self.has_own_aria2 else {}),
            },
        }


def _toml(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Write options as TOML; its strings, numbers and lists are those of JSON."""
    tables = {name: value for name, value in options.items() if isinstance(value, Mapping)}
    for name, value in options.items():
        if name not in tables:
            yield f"{name} = {json.dumps(value)}"
    for name, value in tables.items():
        yield f"[{prefix}{name}]"
        yield from _toml(value, f"{prefix}{name}.")
