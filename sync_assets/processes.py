"""Tell whether the process that once did something is still the one that runs now.

A process id alone is not enough: ids are used again, after a reboot the same ones at once.
"""

from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def process_identity(process_id: int) -> str | None:
    """Return what distinguishes a running process from earlier ones with its id.

    On Linux this is the boot, the namespace of process ids (containers of one host may share its
    name, but not its processes) and the kernel's own start tick, which does not move when somebody
    sets the clock; elsewhere the start time.

    Args:
        process_id: The process id on this machine.

    Returns:
        A text that is the same for as long as the process lives; None where it is gone.
    """
    if _BOOT_ID.exists():
        try:
            status = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command name, in parentheses, may itself hold spaces and parentheses.
        fields = status.rpartition(")")[2].split()
        state, start_tick = fields[0], fields[19]
        return None if state in "ZX" else f"{_namespace()}:{start_tick}"
    try:
        return f"{psutil.Process(process_id).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None


def may_be_running(process_id: int, identity: str) -> bool:
    """Tell whether a process that was once identified may still run.

    Args:
        process_id: Its id.
        identity: What `process_identity` returned for it then.

    Returns:
        False only where it is certain that it has gone.
    """
    if _BOOT_ID.exists() and identity.rpartition(":")[0] != _namespace():
        boot = identity.partition(":")[0]
        # In another namespace it cannot be seen from here; of an earlier boot nothing is left.
        return boot == _namespace().partition(":")[0]
    return process_identity(process_id) == identity


def _namespace() -> str:
    return f"{_BOOT_ID.read_text(encoding='ascii').strip()}:{Path('/proc/self/ns/pid').readlink()}"
