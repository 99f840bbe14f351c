"""All services, as `scripts/run` starts them for real use."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

CHECKOUT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120


class Running:
    """The services of `scripts/run`, and their addresses."""

    def __init__(self, process: subprocess.Popen[str], interface: str, server: str) -> None:
        self.process = process
        self.interface = interface
        self.server = server

    @property
    def url(self) -> str:
        """The address of the pages."""
        return self.server

    def graphql(self, query: str, **variables: Any) -> Any:
        answer = httpx.post(
            f"{self.interface}/graphql", json={"query": query, "variables": variables}, timeout=30
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Return what a condition gives as soon as it gives anything."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.2)
    raise AssertionError(f"waited in vain for {what}")


@contextmanager
def running_services(directory: Path) -> Generator[Running]:
    """Start everything that the configuration of this process says, and interrupt it at the end."""
    output = directory / "run.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            [CHECKOUT / "scripts" / "run", "--webserver-port", "0", "--server-port", "0"],
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def addresses() -> list[str] | None:
        assert process.poll() is None, output.read_text()
        found = re.findall(r"http://127\.0\.0\.1:\d+", output.read_text())
        return found if len(set(found)) >= 2 else None

    try:
        interface, server = list(dict.fromkeys(wait_for(addresses, "the addresses")))[:2]
        yield Running(process, interface, server)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
