"""What arrives during a chaos: which files, by which way, when, and how often. All by the seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SMALLEST_BYTES, LARGEST_BYTES = 50_000, 400_000
CHATS = range(1, 11)
SENDER = 42


class Way(StrEnum):
    """How a file comes in: wanted by another domain, ordered by HTTP, or sent to the bot."""

    DOMAIN = "domain"
    API = "api"
    TELEGRAM = "telegram"


@dataclass(frozen=True)
class Size:
    """How much is done.

    Attributes:
        downloads: Files; each goes to two targets.
        disturbances: Kills and faults.
    """

    downloads: int
    disturbances: int


@dataclass(frozen=True)
class Arrival:
    """A file on its way in.

    Attributes:
        number: Its own.
        way: How it comes in.
        content: What it is.
        name: What it is called; two files have the same name, as senders do.
        step: With which disturbance it comes; what another domain wants is there from the start.
        repeats: How often it comes again, as another message or another order.
        is_edited: Whether the caption of its message is edited.
        chat: The chat that it comes in.
    """

    number: int
    way: Way
    content: bytes
    name: str
    step: int
    repeats: int
    is_edited: bool
    chat: int

    @property
    def key(self) -> str:
        """What Telegram, and the path at the origin, call it."""
        return f"file{self.number}"


def plan(chance: random.Random, size: Size, rushes: Sequence[int]) -> Sequence[Arrival]:
    """Decide what arrives: half of it from the start, the rest while everything is disturbed.

    Args:
        chance: Decides.
        size: How much.
        rushes: The disturbances that are the worst for what arrives; half of it comes with them.
    """
    during = size.downloads // 2
    ways = [Way.DOMAIN] * (size.downloads - during) + [Way.TELEGRAM] * (during - during // 2)
    ways += [Way.API] * (during // 2)
    chance.shuffle(ways)
    return [
        Arrival(
            number=number,
            way=way,
            content=chance.randbytes(chance.randint(SMALLEST_BYTES, LARGEST_BYTES)),
            name=f"film {number // 2}.mkv",
            step=chance.choice([chance.randrange(size.disturbances), chance.choice(rushes)]),
            repeats=chance.choice([0, 0, 1, 2]),
            is_edited=chance.random() < 0.3,
            chat=chance.choice(CHATS),
        )
        for number, way in enumerate(ways)
    ]
