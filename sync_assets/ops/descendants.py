"""Find and end every process that a supervisor started, directly or not.

Each service gets a variable in its environment that its own children inherit. That finds also
what left the process group, or whose parent has died, which process groups and PR_SET_PDEATHSIG
(it is not inherited, so it misses the runs below a code server) do not.

Run as a program, this is the guard: it waits for the end of its standard input, which comes when
the supervisor ends, however it ends, and then ends what is left of its services.
"""

import os
import signal
import sys

import psutil

MARKER_VARIABLE = "SUPERVISED_BY"

_ROUNDS = 5


def end_marked(marker: str, *, patience: float) -> int:
    """End all processes with a marker: asked first, and killed when the patience is over.

    Args:
        marker: The value of `MARKER_VARIABLE` in their environment.
        patience: Seconds between the two.

    Returns:
        How many there were.
    """
    found = _marked(marker)
    _signal(found, signal.SIGTERM)
    psutil.wait_procs(found, timeout=patience)
    # More than once, because a process may just be starting another.
    for _ in range(_ROUNDS):
        remaining = _marked(marker)
        if not remaining:
            break
        _signal(remaining, signal.SIGKILL)
        psutil.wait_procs(remaining, timeout=1)
    return len(found)


def _marked(marker: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER_VARIABLE) == marker:
                found.append(process)
        except (psutil.Error, OSError):  # gone, or another user's, and so not ours
            continue
    return found


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def _guard(marker: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 1024):
        pass
    end_marked(marker, patience=5)


if __name__ == "__main__":
    _guard(sys.argv[1])
