"""Services listen where the configuration says and nowhere else."""

import socket
from pathlib import Path

import pytest
import yaml

from sync_assets.errors import SyncError
from sync_assets.ops.services import Endpoint, build_services, check_port, free_port
from sync_assets.settings import load_settings


def test_a_port_in_use_names_its_holder_and_every_way_to_choose_another():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        endpoint = Endpoint("127.0.0.1", holder.getsockname()[1])
        with pytest.raises(SyncError, match=f"port {endpoint.port} cannot be used") as caught:
            check_port(endpoint, setting="dagster.port", option="--webserver-port")
    for way in ("dagster.port in sync.toml", "SYNC_DAGSTER__PORT", "--webserver-port"):
        assert way in caught.value.remedy


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(SyncError, match=r"server\.port: 192\.0\.2\.1 port 1"):
        check_port(Endpoint("192.0.2.1", 1), setting="server.port", option="--server-port")


def test_a_free_port_is_free():
    endpoint = Endpoint("127.0.0.1", free_port("127.0.0.1"))
    check_port(endpoint, setting="server.port", option="--server-port")


def test_addresses_are_links_for_this_machine():
    assert Endpoint("0.0.0.0", 80).url == "http://127.0.0.1:80"
    assert Endpoint("::", 80).url == "http://[::1]:80"
    assert Endpoint("::1", 80).url == "http://[::1]:80"


def test_the_code_server_listens_on_a_socket_in_the_home(settings):
    settings.home.mkdir()
    code_server = build_services(settings)[0]
    path = str(settings.home / "code-server.sock")
    if len(path) > 100:
        pytest.skip("the directory for tests is too deep for a socket")
    assert path in code_server.command
    workspace = yaml.safe_load((settings.home / "workspace.yaml").read_text("utf-8"))
    entry = {"socket": path, "location_name": "sync_assets"}
    assert workspace == {"load_from": [{"grpc_server": entry}]}


def test_in_a_home_too_deep_for_a_socket_it_listens_on_loopback(tmp_path, monkeypatch):
    home = tmp_path.joinpath(*["deep" * 10] * 3)
    home.mkdir(parents=True)
    monkeypatch.setenv("SYNC_HOME", str(home))
    command = build_services(load_settings())[0].command
    assert command[command.index("--host") + 1] == "127.0.0.1"
    workspace = yaml.safe_load((home / "workspace.yaml").read_text("utf-8"))
    port = workspace["load_from"][0]["grpc_server"]["port"]
    assert command[command.index("--port") + 1] == str(port)


def test_every_service_gets_the_home_and_the_ports_that_are_in_force(settings):
    settings.home.mkdir()
    for service in build_services(settings):
        assert service.environment["DAGSTER_HOME"] == str(settings.dagster_home)
        assert service.environment["SYNC_SERVER__PORT"] == "8080"
        assert Path(service.command[0]).exists()


@pytest.mark.parametrize(("receive", "runs"), [("polling", True), ("webhook", False)])
def test_the_receiver_runs_only_where_the_relay_polls(settings, receive, runs):
    settings.home.mkdir()
    changes = {"relay": {"enabled": True, "receive": receive, "webhook_secret": "x" * 16}}
    configured = settings.model_validate(
        {**settings.model_dump(), "telegram": {"bot_token": "1:x"}, **changes}
    )
    for each, expected in ((configured, runs), (settings, False)):
        names = {service.name for service in build_services(each)}
        assert ("relay-receiver" in names) is expected
