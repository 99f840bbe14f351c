"""`scripts/run`: everything, supervised, for as long as it is wanted."""

import argparse
import asyncio
import os
from collections.abc import Sequence
from datetime import datetime

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.logs import redactor
from sync_assets.ops.home import hold_home, initialise_home
from sync_assets.ops.services import Endpoint, build_services, check_port, free_port
from sync_assets.ops.supervisor import Output, Supervisor
from sync_assets.settings import Settings, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the services until a signal ends them.

    Args:
        arguments: Those of the command line, unless given.

    Returns:
        The exit code.
    """
    options = _parse(arguments)
    settings = _with_ports(load_settings(), options.webserver_port, options.server_port)
    interface = Endpoint(str(settings.dagster.host), settings.dagster.port)
    server = Endpoint(str(settings.server.host), settings.server.port)
    with hold_home(settings.home):
        check_port(interface, setting="dagster.port", option="--webserver-port")
        check_port(server, setting="server.port", option="--server-port")
        initialise_home(settings)
        # A ledger that cannot be used is said here, once, not by each service.
        Ledger.open(settings.ledger_url).close()
        services = build_services(settings)
        logs = settings.home / "logs"
        _say(f"starting {', '.join(service.name for service in services)}; logs: {logs}")
        output = Output(logs, _say, redactor(settings), options.verbose)
        supervisor = Supervisor(services, output)
        asyncio.run(supervisor.run(lambda: _announce(interface, server)))
    _say("stopped")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Runs the Dagster UI, daemon and code server and the sync server, and restarts "
        "what dies. Ctrl-C or SIGTERM stops all of them. Each writes to logs/<name>.log in the "
        "home, at most 40 MB.",
    )
    parser.add_argument(
        "--webserver-port", type=int, metavar="PORT", help="port of the Dagster UI; 0: a free one"
    )
    parser.add_argument(
        "--server-port", type=int, metavar="PORT", help="port of the sync server; 0: a free one"
    )
    parser.add_argument(
        "--verbose", action="store_true", help="show the services' output here as well"
    )
    return parser.parse_args(arguments)


def _with_ports(settings: Settings, interface: int | None, server: int | None) -> Settings:
    """Let options win over the configuration, for this process and the services alike."""
    if interface is not None:
        port = interface or free_port(str(settings.dagster.host))
        os.environ["SYNC_DAGSTER__PORT"] = str(port)
    if server is not None:
        port = server or free_port(str(settings.server.host))
        os.environ["SYNC_SERVER__PORT"] = str(port)
    return settings if interface is server is None else load_settings()


def _announce(interface: Endpoint, server: Endpoint) -> None:
    _say(f"ready: Dagster UI {interface.url}, sync server {server.url}; Ctrl-C stops everything")


def _say(line: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S} {line}", flush=True)


if __name__ == "__main__":
    run_command(main)
