"""Keep a set of services running: start them, restart what dies, stop all of them together.

Which services there are is data (`services`); nothing here knows Dagster.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sync_assets.errors import SyncError
from sync_assets.ops.descendants import MARKER_VARIABLE, end_marked
from sync_assets.ops.service_log import ServiceLog

Probe = Callable[[], Awaitable[bool]]
"""Tells whether a service answers."""


@dataclass(frozen=True)
class Service:
    """A program to keep running.

    Attributes:
        name: How messages and its log file call it.
        command: Program and arguments.
        environment: Variables beside those of the supervisor.
        probe: Tells when it answers. Without one it counts as ready once it has stayed up for a
            while.
        after: Services that must be ready before it is started for the first time.
        before_start: A command that must have ended well before each start.
        working_directory: Where it runs; without it, where the supervisor does.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    probe: Probe | None = None
    after: Sequence[str] = ()
    before_start: Sequence[str] | None = None
    working_directory: Path | None = None


@dataclass(frozen=True)
class Timing:
    """How patient a supervisor is, in seconds.

    Attributes:
        first_delay: Before the first restart; each further one waits twice as long.
        longest_delay: The most that a restart waits.
        healthy_after: A service that ran this long starts again at the first delay.
        settled_after: A service without a probe is ready when it has run this long.
        ready_within: A service that was never ready after this long will not be.
        attempts: Starts of a service that was never ready before the supervisor gives up.
        stop_within: From the request to end to the killing of what still runs.
        probe_interval: Between two probes.
    """

    first_delay: float = 1.0
    longest_delay: float = 60.0
    healthy_after: float = 60.0
    settled_after: float = 3.0
    ready_within: float = 300.0
    attempts: int = 3
    stop_within: float = 7.0
    probe_interval: float = 0.2


@dataclass(frozen=True)
class Output:
    """Where a supervisor and its services write.

    Attributes:
        directory: Each service's output goes there, as `<name>.log`.
        say: Shows a line to the user.
        redact: Applied to the services' output before it is written.
        verbose: Show the services' output to the user as well.
    """

    directory: Path
    say: Callable[[str], None]
    redact: Callable[[str], str] = str
    verbose: bool = False

    def log_of(self, service: Service) -> ServiceLog:
        """Open the log of a service."""

        def echo(line: str) -> None:
            self.say(f"{service.name}: {line}")

        path = self.directory / f"{service.name}.log"
        return ServiceLog(path, self.redact, echo if self.verbose else None)


class Supervisor:
    """Runs services until it is told to stop.

    Args:
        services: What to run.
        output: Where its own lines and those of the services go.
        timing: How patient to be.
    """

    def __init__(
        self, services: Sequence[Service], output: Output, timing: Timing | None = None
    ) -> None:
        self._services = services
        self._say = output.say
        self._timing = timing or Timing()
        self._marker = uuid.uuid4().hex
        self._ready = {service.name: asyncio.Event() for service in services}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._copying: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._logs = {service.name: output.log_of(service) for service in services}

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Run the services until SIGINT, SIGTERM or SIGHUP; a second signal hurries the end.

        Args:
            on_ready: Called once, when all services are ready.

        Raises:
            SyncError: A service never became ready. All others have been stopped.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        guard = self._start_guard()
        tasks = [asyncio.create_task(self._keep_running(service)) for service in self._services]
        tasks.append(asyncio.create_task(self._announce(on_ready)))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await _first_failure_or(stopped, tasks)
        finally:
            stopped.cancel()
            await self._end_all(tasks)
            await asyncio.to_thread(guard.communicate)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        else:
            self._say("stopping; once more to stop at once")
        self._stop.set()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        # In a session of its own, so that what kills the supervisor's group leaves it alive.
        return subprocess.Popen(
            [sys.executable, "-m", "sync_assets.ops.descendants", self._marker],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for ready in self._ready.values():
            await ready.wait()
        on_ready()

    async def _keep_running(self, service: Service) -> None:
        for name in service.after:
            await self._ready[name].wait()
        loop = asyncio.get_running_loop()
        delay, attempts = self._timing.first_delay, 0
        while True:
            started = loop.time()
            ending = await self._run_once(service)
            if not self._ready[service.name].is_set():
                attempts += 1
                if attempts >= self._timing.attempts:
                    raise await self._never_ready(service, ending)
            if loop.time() - started >= self._timing.healthy_after:
                delay = self._timing.first_delay
            self._say(f"{service.name} {ending}; starting it again in {delay:g} s")
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._timing.longest_delay)

    async def _run_once(self, service: Service) -> str:
        """Start a service and wait for its end; returns how it ended."""
        if service.before_start:
            process = await self._spawn(service, service.before_start)
            code = await self._wait(process)
            if code != 0:
                return f"could not be prepared ({_ending(code)})"
        process = await self._spawn(service, service.command)
        watch = asyncio.create_task(self._watch_readiness(service, process))
        try:
            code = await self._wait(process)
        finally:
            watch.cancel()
        if watch.done() and not watch.cancelled() and not watch.result():
            return f"did not answer within {self._timing.ready_within:g} s"
        return _ending(code)

    async def _spawn(self, service: Service, command: Sequence[str]) -> asyncio.subprocess.Process:
        environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **service.environment,
            MARKER_VARIABLE: self._marker,
        }
        # A pipe of our own: with one of asyncio's, `wait` lasts until also the last child of the
        # service has closed it, and a dead service with a living child would go unnoticed.
        reading, writing = os.pipe()
        try:
            # A session of its own: Ctrl-C of the terminal reaches the supervisor only, which then
            # ends the services in order, and each with all processes of its group.
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=service.working_directory,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            message = f"{service.name} cannot be started: {command[0]}: {error.strerror}."
            raise SyncError(message, remedy="Run scripts/setup, then start again.") from error
        finally:
            os.close(writing)
        self._processes[service.name] = process
        copying = asyncio.create_task(self._logs[service.name].copy(reading))
        self._copying.add(copying)
        copying.add_done_callback(self._copying.discard)
        return process

    async def _wait(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        # What the service started dies with it: runs without their code server would be watched
        # by nobody, and an old child may hold the port that the next start needs.
        _signal_group(process, signal.SIGKILL)
        return code

    async def _watch_readiness(self, service: Service, process: asyncio.subprocess.Process) -> bool:
        if service.probe is None:
            await asyncio.sleep(self._timing.settled_after)
            self._ready[service.name].set()
            return True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timing.ready_within
        while loop.time() < deadline or self._ready[service.name].is_set():
            if await service.probe():
                self._ready[service.name].set()
                return True
            await asyncio.sleep(self._timing.probe_interval)
        _signal_group(process, signal.SIGKILL)
        return False

    async def _never_ready(self, service: Service, ending: str) -> SyncError:
        await asyncio.sleep(self._timing.probe_interval)  # its last lines are still on their way
        log = self._logs[service.name]
        lines = "\n".join(f"  {line}" for line in log.recent)
        message = f"{service.name} never came up: it {ending}. Its last lines:\n{lines}"
        return SyncError(
            message, remedy=f"Mend what they say, then start again. The whole log: {log.path}"
        )

    async def _end_all(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        # First of all nothing may be started any more.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        running = [process for process in self._processes.values() if process.returncode is None]
        for process in running:
            _signal_group(process, signal.SIGTERM)
        ended = asyncio.gather(*(process.wait() for process in running))
        hurried = asyncio.create_task(self._hurry.wait())
        await asyncio.wait(
            [ended, hurried],
            timeout=self._timing.stop_within,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurried.cancel()
        for process in running:
            _signal_group(process, signal.SIGKILL)
        await ended
        await asyncio.to_thread(end_marked, self._marker, patience=1)
        if self._copying:
            await asyncio.wait(self._copying, timeout=1)


async def _first_failure_or(
    stopped: asyncio.Task[bool], tasks: Sequence[asyncio.Task[None]]
) -> None:
    """Wait until a task fails, and raise its error, or until the stop."""
    pending: set[asyncio.Task[None] | asyncio.Task[bool]] = {stopped, *tasks}
    while not stopped.done():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task


def _signal_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The leader's id is the group's, and stays taken while the group has members.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
