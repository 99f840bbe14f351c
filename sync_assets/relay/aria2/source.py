"""Where aria2 is: a configured one, or a private one for the length of a block."""

from collections.abc import Generator
from contextlib import contextmanager

from sync_assets.ops.tools import tool_path
from sync_assets.relay.aria2.process import Aria2Process
from sync_assets.relay.aria2.rpc import Aria2Client
from sync_assets.settings import Settings
from sync_assets.settings.relay import RelaySettings


class RunningAria2:
    """An aria2 that somebody else keeps running.

    Args:
        settings: The configuration of the relay, which names it.
    """

    keeps_tasks = True

    def __init__(self, settings: RelaySettings) -> None:
        url = settings.aria2.url
        if url is None or url.host is None:
            message = "relay.aria2.url is not set"
            raise RuntimeError(message)
        self._client = Aria2Client(
            url.host,
            url.port or 6800,
            settings.aria2.secret,
            path=url.path or "/jsonrpc",
            is_tls=url.scheme == "https",
        )

    def prepare(self) -> None:
        """Nothing: it runs."""

    def client(self) -> Aria2Client:
        """Return the connection."""
        return self._client

    def reconnect(self) -> Aria2Client:
        """Return the connection, which is made anew by each request that needs it."""
        return self._client


@contextmanager
def open_aria2(settings: Settings) -> Generator[RunningAria2 | Aria2Process]:
    """Give an aria2 for the length of a block; a private one starts when it is first used.

    Args:
        settings: The configuration.

    Yields:
        What connects to it.

    Raises:
        SyncError: There is no aria2c that can be used.
    """
    if settings.relay.aria2.url is not None:
        running = RunningAria2(settings.relay)
        try:
            yield running
        finally:
            running.client().close()
        return
    process = Aria2Process(
        tool_path(settings, "aria2c"),
        settings.home / "relay" / "aria2",
        aria2_options(settings.relay),
    )
    try:
        yield process
    finally:
        process.stop()


def aria2_options(relay: RelaySettings) -> dict[str, str]:
    """Return the options of a private aria2 that the configuration decides.

    Args:
        relay: The configuration of the relay.
    """
    connections, timeout = str(relay.connections_per_download), str(int(relay.timeout_seconds) or 1)
    return {
        "max-concurrent-downloads": str(relay.concurrency),
        "max-connection-per-server": connections,
        "split": connections,
        "max-overall-download-limit": str(relay.download_limit_bytes),
        "timeout": timeout,
        "connect-timeout": timeout,
    }
