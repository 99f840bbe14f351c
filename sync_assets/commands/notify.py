"""Send a test message to every address of `[notifications]`: `scripts/notify`."""

import argparse
from collections.abc import Sequence

from sync_assets.commands.entry import run_command
from sync_assets.errors import SyncError
from sync_assets.ops.notifications.services import Message, MessageKind, send
from sync_assets.settings import load_settings


class NotificationTestError(SyncError):
    """A test message did not reach every address."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code.

    Raises:
        NotificationTestError: There is no address, or one did not take the message.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/notify",
        description="Send a test message to every address of [notifications] in sync.toml.",
    )
    parser.parse_args(arguments)
    urls = load_settings().notifications.urls
    if not urls:
        raise NotificationTestError(
            "There is no address to send to.", remedy="Set notifications.urls in sync.toml."
        )
    text = "If you can read this, notifications arrive."
    problems = send(urls, Message(MessageKind.INFORMATION, "sync_assets: a test", text))
    for number in range(1, len(urls) + 1):
        print(f"address {number}: {problems.get(number, 'took the message')}")
    if problems:
        raise NotificationTestError(
            f"{len(problems)} of {len(urls)} addresses did not take the message.",
            remedy="Compare them with https://appriseit.com/services, and look whether this "
            "machine can reach them.",
        )
    return 0


if __name__ == "__main__":
    run_command(main)
