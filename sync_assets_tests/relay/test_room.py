"""How many uploads begin: enough for all slots, and no more than a worker's end may undo."""

from dataclasses import dataclass
from typing import cast

from sync_assets.relay.models import Reason, ReasonCode
from sync_assets.relay.uploading.room import Room, few_under_way, most_under_way
from sync_assets.relay.uploading.targets import Target

MEBIBYTE = 1024 * 1024
LOST = Reason(ReasonCode.NETWORK, "Nobody knows.")


@dataclass(eq=False)
class Known:
    """What is asked of a target for this."""

    takes_files: bool = False
    lost_answer: Reason | None = None


def target(*, takes_files: bool = False, lost_answer: Reason | None = None) -> Target:
    return cast("Target", Known(takes_files, lost_answer))


def begun(room: Room, of: Target, size_bytes: int = 0) -> int:
    """Count how many more begin."""
    count = 0
    while room.is_for(of):
        room.take(of, size_bytes)
        count += 1
        assert count < 10_000
    return count


def test_a_target_that_has_taken_nothing_gets_few() -> None:
    assert begun(Room(2), target()) == few_under_way(2)


def test_one_that_takes_files_gets_many_small_ones() -> None:
    assert begun(Room(2), target(takes_files=True)) == most_under_way(2)


def test_of_large_ones_it_gets_few() -> None:
    assert begun(Room(2), target(takes_files=True), 1024 * MEBIBYTE) == few_under_way(2)


def test_of_middling_ones_it_gets_what_fits() -> None:
    assert begun(Room(2), target(takes_files=True), 8 * MEBIBYTE) == 2 * 64 // 8


def test_each_target_has_room_of_its_own_until_it_has_taken_files() -> None:
    room, busy, new = Room(2), target(takes_files=True), target()
    begun(room, busy)
    assert begun(room, new) == few_under_way(2)


def test_where_a_killed_worker_leaves_doubt_none_waits_for_a_slot() -> None:
    room, chat, other = Room(3), target(lost_answer=LOST), target(lost_answer=LOST)
    begun(room, target(takes_files=True))
    assert begun(room, chat) == 3
    assert begun(room, other) == 0
