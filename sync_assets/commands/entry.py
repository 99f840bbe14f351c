"""How every command ends: errors for the user as text, with exit code 1; others as they are."""

import sys
from collections.abc import Callable

from sync_assets.errors import SyncError


def run_command(command: Callable[[], int]) -> None:
    """Run a command and end the process with its exit code.

    Args:
        command: Returns the exit code; a `SyncError` from it is shown to the user.
    """
    try:
        code = command()
    except SyncError as error:
        print(error, file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
