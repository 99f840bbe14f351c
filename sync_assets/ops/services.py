"""Which services `scripts/run` keeps running, and how each of them is known to answer."""

import asyncio
import http.client
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from sync_assets.errors import SyncError
from sync_assets.ops.supervisor import Probe, Service
from sync_assets.settings import Settings
from sync_assets.settings.loading import configuration_path
from sync_assets.settings.relay import ReceiveMode

LOCATION_NAME = "sync_assets"

# A socket's address holds 108 bytes on Linux and 104 elsewhere, with the zero at its end.
_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True)
class Endpoint:
    """Where a service listens.

    Attributes:
        host: An address of this machine.
        port: A TCP port.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def build_services(settings: Settings) -> list[Service]:
    """List the services, and write the workspace file by which they find the code server.

    Args:
        settings: The configuration.

    Returns:
        The services, to be given to a `Supervisor`.
    """
    python = sys.executable
    interface = Endpoint(str(settings.dagster.host), settings.dagster.port)
    server = Endpoint(str(settings.server.host), settings.server.port)
    listen, address, code_server_probe = _code_server_address(settings.home)
    workspace = settings.home / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{{address}, location_name: {LOCATION_NAME}}}\n",
        encoding="utf-8",
    )
    environment = {
        **configuration_environment(settings),
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "SYNC_DAGSTER__PORT": str(interface.port),
        "SYNC_SERVER__PORT": str(server.port),
    }
    # fmt: off
    services = [
        Service(
            "code-server",
            (
                python, "-m", "dagster", "api", "grpc", "-m", "sync_assets.definitions", *listen,
                "--location-name", LOCATION_NAME, "--use-python-environment-entry-point",
            ),
            environment,
            probe=code_server_probe,
            # Its runs died with the last one, whether the machine or only the code server did.
            before_start=(python, "-m", "sync_assets.commands.reconcile"),
            working_directory=settings.home,
        ),
        Service(
            "webserver",
            (
                python, "-m", "dagster_webserver", "-w", str(workspace),
                "-h", interface.host, "-p", str(interface.port),
            ),
            environment,
            probe=http_probe(interface, "/server_info"),
            after=("code-server",),
            working_directory=settings.home,
        ),
        Service(
            "daemon",
            (python, "-m", "dagster._daemon", "run", "-w", str(workspace)),
            environment,
            after=("code-server",),
            working_directory=settings.home,
        ),
        Service(
            "sync-server",
            (python, "-m", "sync_assets.server"),
            environment,
            probe=tcp_probe(server),
            working_directory=settings.home,
        ),
    ]
    # fmt: on
    receives = settings.relay.enabled and settings.relay.receive is ReceiveMode.POLLING
    if receives and settings.telegram.is_configured:
        command = (python, "-m", "sync_assets.relay.receiver")
        services.append(
            Service("relay-receiver", command, environment, working_directory=settings.home)
        )
    return services


def configuration_environment(settings: Settings) -> dict[str, str]:
    """Return the variables by which a process anywhere reads the same configuration.

    The services do not run in the checkout: Dagster's programs believe a `.env` in their working
    directory more than their environment, and the checkout's names the checkout's own home.

    Args:
        settings: The configuration of this process.
    """
    path = configuration_path()
    named = {"SYNC_CONFIG": str(path)} if path is not None else {}
    return {"SYNC_HOME": str(settings.home), **named}


def http_probe(endpoint: Endpoint, path: str) -> Probe:
    """Make a probe that asks for a page.

    Args:
        endpoint: Where to ask.
        path: The page, which must answer with 200.

    Returns:
        The probe.
    """

    def answers() -> bool:
        # Not urllib: it would ask the proxy of the environment for an address of this machine.
        host, _, _ = endpoint.url.removeprefix("http://").rpartition(":")
        connection = http.client.HTTPConnection(host.strip("[]"), endpoint.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return lambda: asyncio.to_thread(answers)


def tcp_probe(endpoint: Endpoint) -> Probe:
    """Make a probe that connects to a port.

    Args:
        endpoint: Where to connect.

    Returns:
        The probe.
    """
    host, _, _ = endpoint.url.removeprefix("http://").rpartition(":")

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection(host.strip("[]"), endpoint.port)
        except OSError:
            return False
        writer.close()
        return True

    return answers


def socket_probe(path: Path) -> Probe:
    """Make a probe that connects to a Unix socket.

    Args:
        path: The socket.

    Returns:
        The probe.
    """

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except OSError:
            return False
        writer.close()
        return True

    return answers


def free_port(host: str) -> int:
    """Find a TCP port that nobody listens on.

    Args:
        host: The address to listen on.

    Returns:
        The port; another program may take it before it is used.
    """
    with _bound(Endpoint(host, 0)) as bound:
        return bound.getsockname()[1]


def check_port(endpoint: Endpoint, *, setting: str, option: str) -> None:
    """Make sure that a service will be able to listen.

    Args:
        endpoint: Where it will.
        setting: The field of the configuration that says so.
        option: The option of `scripts/run` that says so.

    Raises:
        SyncError: Somebody else listens there, or this machine has no such address.
    """
    variable = f"SYNC_{setting.upper().replace('.', '__')}"
    try:
        _bound(endpoint).close()
    except OSError as error:
        message = (
            f"{setting}: {endpoint.host} port {endpoint.port} cannot be used: "
            f"{error.strerror}{_holder(endpoint.port)}."
        )
        raise SyncError(
            message,
            remedy=f"End the other program, or choose another port: {setting} in sync.toml, "
            f"{variable} in the environment, or {option}.",
        ) from error


def _bound(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # As the services do it: a port whose last connections are still closing is free.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((endpoint.host, endpoint.port))
    except OSError:
        bound.close()
        raise
    return bound


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1] == port:
                if connection.pid is None:
                    break
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:  # some systems tell only root
        return ""
    return ""


def _code_server_address(home: Path) -> tuple[list[str], str, Probe]:
    """Choose where the code server listens: its options, the workspace's entry, and a probe.

    A socket in the home is closed to other users, which a port is not.
    """
    path = home / "code-server.sock"
    if len(str(path).encode()) <= _LONGEST_SOCKET_PATH:
        path.unlink(missing_ok=True)
        return ["--socket", str(path)], f'socket: "{path}"', socket_probe(path)
    endpoint = Endpoint("127.0.0.1", free_port("127.0.0.1"))
    listen = ["--host", endpoint.host, "--port", str(endpoint.port)]
    return listen, f"host: {endpoint.host}, port: {endpoint.port}", tcp_probe(endpoint)
