"""The chaos of the relay: all is killed and misbehaves while files come in from all sides."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from sync_assets.ledger.schema import relay_downloads, relay_uploads
from sync_assets_tests.chaos.answers import no_answer_tells_a_secret
from sync_assets_tests.chaos.disturbances import SERVER_KILLED, Disturbances
from sync_assets_tests.chaos.intake import Intake, Orders
from sync_assets_tests.chaos.invariants import violations
from sync_assets_tests.chaos.plan import Size, plan
from sync_assets_tests.chaos.reporting import every_event_is_materialized
from sync_assets_tests.chaos.secret_search import search_of
from sync_assets_tests.chaos.stage import Stage
from sync_assets_tests.chaos.watching import Watch

_LAST_RUN_SECONDS = 600
_LAST_RUNS = 3
_PATIENCE_SECONDS = 180.0


@dataclass
class Outcome:
    """What has happened.

    Attributes:
        setting: How messages came in, and whose aria2 was used.
        done: Kills and faults, by kind.
        downloads: Downloads that were completed.
        uploads: Uploads that were verified and cleaned.
        violations: What is not right; each begins with its invariant.
        seconds: How long it took.
    """

    setting: str = ""
    done: Counter[str] = field(default_factory=Counter)
    downloads: int = 0
    uploads: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(directory: Path, *, seed: int, size: Size) -> Outcome:
    """Relay files under disturbances, then without, and look whether everything is right.

    Args:
        directory: An empty folder for all files.
        seed: Decides what arrives, what happens to whom, and roughly when.
        size: How much is done.
    """
    started = time.monotonic()
    outcome = Outcome()
    with Stage(directory, random.Random(f"{seed} stage")) as stage:
        aria2 = "aria2 of the user" if stage.has_own_aria2 else "private aria2"
        outcome.setting = f"{stage.receive}, {aria2}"
        # One violation may be seen at many looks.
        seen = dict.fromkeys(_violations(stage, seed, size, outcome))
        outcome.violations.extend(seen)
        with stage.ledger.read() as connection:
            downloads, uploads = relay_downloads.c, relay_uploads.c
            outcome.downloads = connection.execute(
                select(func.count()).where(downloads.state == "completed")
            ).scalar_one()
            outcome.uploads = connection.execute(
                select(func.count()).where(uploads.state == "cleaned")
            ).scalar_one()
    outcome.seconds = time.monotonic() - started
    return outcome


def _violations(stage: Stage, seed: int, size: Size, outcome: Outcome) -> Iterator[str]:
    disturbances = Disturbances(stage, random.Random(f"{seed} disturbances"))
    sequence = disturbances.sequence(size.disturbances)
    rushes = [step for step, kind in enumerate(sequence) if kind == SERVER_KILLED]
    arrivals = plan(random.Random(f"{seed} plan"), size, rushes)
    orders = Orders(f"{stage.server_url}/api/media", stage.user_token)
    intake = Intake(stage, orders, arrivals)
    watch = Watch(stage, intake, orders, [arrival.content for arrival in arrivals])
    intake.wanted_by_domain()
    with orders:
        for step, kind in enumerate(sequence):
            stage.require()
            time.sleep(disturbances.pause_seconds())
            intake.with_disturbance(step)
            time.sleep(disturbances.moment_seconds())
            disturbances.do(kind)
            outcome.done[kind] += 1
            yield from watch.look()
        stage.calm()
        stage.require()
        orders.finish()
    yield from orders.problems
    yield from _come_to_rest(stage, intake)
    yield from _no_program_has_failed(stage)
    yield from watch.look(at_rest=True)
    yield from violations(stage, arrivals, intake.updates)
    yield from no_answer_tells_a_secret(stage, search_of(stage))
    yield from every_event_is_materialized(stage, search_of(stage))
    # Once more, for what the server and the job have written.
    yield from watch.look(at_rest=True)


def _come_to_rest(stage: Stage, intake: Intake) -> Iterator[str]:
    """Let workers run, undisturbed, until one ends because nothing moves any more."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while len(intake.acknowledged_updates()) < len(intake.updates):
        stage.require()
        time.sleep(0.1)
        if time.monotonic() > deadline:
            yield "it comes to rest: an update is never acknowledged"
            break
    # The one at work may have looked at the inbox for the last time.
    stage.worker.run(_LAST_RUN_SECONDS)
    code = None
    for _ in range(_LAST_RUNS):
        code = stage.worker.run(_LAST_RUN_SECONDS)
        if code == 0:
            return
    yield f"it comes to rest: it does not; exit code {code}"


def _no_program_has_failed(stage: Stage) -> Iterator[str]:
    """Say which programs have ended by an error; of a worker whose aria2 is gone that is right."""
    names = ["server"] if stage.has_own_aria2 else ["server", "worker"]
    for name in names:
        if "Traceback" in stage.logs[name].read_text():
            yield f"no run fails for what ends beside it: the {name} has"
