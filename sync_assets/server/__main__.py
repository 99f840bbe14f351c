"""Run the server: `python -m sync_assets.server`.

One process, no access log (a request's address and time are in the metrics), bounded
connections, and a stop that ends open event streams first.
"""

import argparse
import logging
import resource
import socket
import sys
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from sync_assets.errors import SyncError
from sync_assets.ledger import Ledger
from sync_assets.logs import configure_logging
from sync_assets.server.app import create_app
from sync_assets.settings import load_settings

MAXIMUM_CONNECTIONS = 2_000
LARGEST_MESSAGE_BYTES = 16_384
"""Of a client of the live updates, which sends only what it subscribes to."""

OTHER_OPEN_FILES = 200
KEEP_ALIVE_SECONDS = 20
SHUTDOWN_SECONDS = 10


class Server(uvicorn.Server):
    """Uvicorn, which otherwise waits for event streams that never end by themselves.

    Args:
        config: Uvicorn's configuration.
        app: The app that it serves.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then stop as uvicorn does."""
        self._app.state.context.feed.close()
        await super().shutdown(sockets)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until it is told to stop.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.
    """
    argparse.ArgumentParser(
        prog="python -m sync_assets.server",
        description="Serve webhooks, the API, live events, health and metrics. The address is "
        "server.host and server.port of the configuration.",
    ).parse_args(arguments)
    try:
        settings = load_settings()
        configure_logging(settings)
        # Uvicorn shows a failed start as a traceback; this shows the error and its remedy.
        Ledger.open(settings.ledger_url).close()
        app = create_app(settings)
    except SyncError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the terminal is this command's interface
        return 1
    _allow_open_files()
    config = uvicorn.Config(
        app,
        host=str(settings.server.host),
        port=settings.server.port,
        access_log=False,
        limit_concurrency=MAXIMUM_CONNECTIONS,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE_BYTES,
        # A thousand clients would each have the same text compressed anew.
        ws_per_message_deflate=False,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_no_access)
    server = Server(config, app)
    server.run()
    return 0 if server.started else 1


def _allow_open_files() -> None:
    """Let every connection that is allowed have its file descriptor; often 1,024 are usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAXIMUM_CONNECTIONS + OTHER_OPEN_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_no_access(record: logging.LogRecord) -> bool:
    """Keep uvicorn from logging each WebSocket: there is no access log."""
    return "WebSocket %s" not in str(record.msg)


if __name__ == "__main__":
    sys.exit(main())
