"""Compare what is recorded with what is, and repair it: `scripts/reconcile`.

`runs` reports the runs whose process is gone; `scripts/run` does this before each code server.
`relay` compares the ledger with the disk, aria2 and the remotes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sync_assets.commands.entry import run_command
from sync_assets.ledger import Ledger
from sync_assets.logs import configure_logging
from sync_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    from sync_assets.relay.reconciling import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program's name.

    Returns:
        The exit code: 0 where everything agrees, or does again.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/reconcile",
        description="Compare what is recorded with what is. Exits with 1 where differences are "
        "left, or it could not be compared.",
    )
    parser.add_argument("what", nargs="?", choices=("runs", "relay"), default="runs")
    parser.add_argument("--fix", action="store_true", help="repair what can be without doubt")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    options = parser.parse_args(arguments)
    settings = load_settings()
    configure_logging(settings)
    if options.what == "runs":
        return _runs()
    return _relay(settings, fix=options.fix, as_json=options.json)


def _runs() -> int:
    # Dagster takes seconds to load, which the relay does without.
    import dagster as dg

    from sync_assets.ops.reconcile import reconcile

    with dg.DagsterInstance.get() as instance:
        for run_id in reconcile(instance, datetime.now(UTC)):
            print(f"run {run_id}: its process is gone")
    return 0


def _relay(settings: Settings, *, fix: bool, as_json: bool) -> int:
    from sync_assets.relay.reconciling import reconcile

    ledger = Ledger.open(settings.ledger_url)
    try:
        findings = reconcile(settings, ledger, fix=fix)
    finally:
        ledger.close()
    left = sum(not each.is_repaired for each in findings)
    if as_json:
        print(json.dumps([_fields(each) for each in findings]))
    else:
        for each in findings:
            done = "Repaired: " if each.is_repaired else ""
            print(f"{each.difference} ({each.subject}): {each.text} {done}{each.repair}")
    print(f"{len(findings)} differences, {left} left.", file=sys.stderr)
    return 1 if left else 0


def _fields(finding: "Finding") -> dict[str, str | bool]:
    return {
        "difference": finding.difference,
        "subject": finding.subject,
        "text": finding.text,
        "repair": finding.repair,
        "can_be_fixed": finding.apply is not None,
        "is_repaired": finding.is_repaired,
    }


if __name__ == "__main__":
    run_command(main)
