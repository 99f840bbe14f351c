"""Which rclone serves a target: those with the same configuration, options and limit share one."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from sync_assets.ops.tools import tool_path
from sync_assets.relay.rclone.process import RcloneProcess
from sync_assets.settings import Settings
from sync_assets.settings.relay_targets import RcloneTargetSettings


class RcloneProcesses:
    """The rclones of a worker; each starts when it is first used.

    Args:
        settings: The whole configuration.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes: dict[frozenset[tuple[str, str]], RcloneProcess] = {}
        self._lock = threading.Lock()

    def process(self, target: RcloneTargetSettings) -> RcloneProcess:
        """Return the rclone of a target.

        Args:
            target: The target.

        Raises:
            SyncError: There is no rclone that can be used.
        """
        options = rclone_environment(target)
        with self._lock:
            key = frozenset(options.items())
            if key not in self._processes:
                program = tool_path(self._settings, "rclone")
                self._processes[key] = RcloneProcess(program, options)
            return self._processes[key]

    def stop(self) -> None:
        """End all."""
        for process in self._processes.values():
            process.stop()


@contextmanager
def open_rclone(settings: Settings) -> Generator[RcloneProcesses]:
    """Give rclones for the length of a block.

    Args:
        settings: The whole configuration.

    Yields:
        What starts them.
    """
    processes = RcloneProcesses(settings)
    try:
        yield processes
    finally:
        processes.stop()


def rclone_environment(target: RcloneTargetSettings) -> dict[str, str]:
    """Return the variables by which rclone learns what the configuration decides.

    Args:
        target: The target.
    """
    options = {
        f"RCLONE_{name.upper().replace('-', '_')}": value for name, value in target.options.items()
    }
    if target.config_path is not None:
        options["RCLONE_CONFIG"] = str(target.config_path)
    if target.config_password is not None:
        options["RCLONE_CONFIG_PASS"] = target.config_password.get_secret_value()
    if target.bandwidth_limit:
        options["RCLONE_BWLIMIT"] = target.bandwidth_limit
    return options
