"""Kill a process that sends, again and again, and compare the outbox with what was posted.

A fork server has everything imported, so that a round costs no start of Python.
"""

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from sync_assets.ledger import Ledger
from sync_assets.settings.telegram import TelegramSettings
from sync_assets.telegram.models import PostState
from sync_assets.telegram.outbox import posts_in_state
from sync_assets.telegram.pacing import Pace
from sync_assets.telegram.posting import send_posts
from sync_assets_tests.telegram.works import make_work, queue_work, write_pages
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer

UNHURRIED = Pace(per_chat=(100_000, 1.0), per_group=(6_000_000, 60.0), overall=(100_000, 1.0))
CHATS = ("1", "-1002")
_WORKS_PER_ROUND = 3


@dataclass
class KillOutcome:
    """What was found in the end. `problems`: what must not be, one text each."""

    posts: int = 0
    sent: int = 0
    unknown: int = 0
    unknown_but_posted: int = 0
    kills: int = 0
    problems: list[str] = field(default_factory=list)


def send_in_child(ledger_url: str, base_url: str) -> None:
    """Send all, in a process of its own."""
    ledger = Ledger.open(ledger_url)
    send_posts(_settings(base_url), ledger, "alice", chat_ids=CHATS, pace=UNHURRIED)
    ledger.close()


def kill_rounds(ledger: Ledger, directory: Path, *, rounds: int, seed: int) -> KillOutcome:
    """Queue works, kill the process that sends them, and so on; at last send the rest.

    Args:
        ledger: An empty ledger.
        directory: Where the pictures go.
        rounds: How many processes are killed.
        seed: Chooses the moments.
    """
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "telegram", "telegram.request", "PIL.PngImagePlugin"])
    url = ledger.url.render_as_string(hide_password=False)
    outcome = KillOutcome()
    with TelegramServer(latency_seconds=0.005) as server:
        server.add_chat("1")
        server.add_chat("-1002", "supergroup")
        for number in range(rounds):
            _queue_works(ledger, directory, number, chance)
            process = context.Process(target=send_in_child, args=(url, server.url))
            process.start()
            # From before the lease until after the last answer.
            time.sleep(chance.uniform(0.0, 0.6))
            outcome.kills += process.is_alive()
            process.kill()
            process.join()
            process.close()
        while outcome.kills < rounds:
            # Some were faster than their killer; these are killed while they certainly work.
            _queue_works(ledger, directory, rounds + outcome.kills, chance)
            process = context.Process(target=send_in_child, args=(url, server.url))
            process.start()
            time.sleep(0.02)
            process.kill()
            process.join()
            process.close()
            outcome.kills += 1
        send_posts(_settings(server.url), ledger, "alice", chat_ids=CHATS, pace=UNHURRIED)
        _compare(ledger, server, outcome)
    return outcome


def _settings(base_url: str) -> TelegramSettings:
    return TelegramSettings.model_validate(
        {"bot_token": TOKEN, "chat_ids": CHATS, "base_url": base_url, "timeout_seconds": 20}
    )


def _queue_works(ledger: Ledger, directory: Path, number: int, chance: random.Random) -> None:
    for index in range(_WORKS_PER_ROUND):
        work_id = f"{number}x{index}"
        media = write_pages(directory, work_id, chance.choice((1, 1, 2, 5, 11)))
        queue_work(ledger, media, *CHATS, work=make_work(work_id))


def _compare(ledger: Ledger, server: TelegramServer, outcome: KillOutcome) -> None:
    posted = server.posted()
    with ledger.read() as connection:
        rows = posts_in_state(connection, *PostState)
    for row in rows:
        count = posted.pop((row.chat_id, row.content_sha256), 0)
        state = PostState(row.state)
        outcome.posts += 1
        outcome.sent += state is PostState.SENT
        outcome.unknown += state is PostState.UNKNOWN
        outcome.unknown_but_posted += state is PostState.UNKNOWN and count == 1
        allowed = {PostState.SENT: {1}, PostState.UNKNOWN: {0, 1}}.get(state, set())
        if count not in allowed:
            outcome.problems.append(f"post {row.id} is {state} and was posted {count} times")
    outcome.problems += [f"{key} was posted and nobody wanted it" for key in posted]
