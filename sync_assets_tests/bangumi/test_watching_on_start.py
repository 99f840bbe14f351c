"""A media server begins to play something: its subject becomes 在看, and nothing is lowered."""

from datetime import timedelta

import pytest

from sync_assets.bangumi.models import CollectionType
from sync_assets.bangumi.reports import ReportState, read_reports
from sync_assets_tests.bangumi.building import ACCOUNT, NOW, matched
from sync_assets_tests.upstreams.bangumi import Entry, Fault

WRITES = "P* /v0/users/*"


def started(subject=1, number=1, *, at=NOW, **fields):
    """A match of an episode that was begun and not watched."""
    return matched(subject, number, plays=0, watched_at=None, started_at=at, **fields)


@pytest.mark.parametrize(
    ("before", "after", "policy"),
    [
        (None, CollectionType.WATCHING, {}),
        (CollectionType.WISH, CollectionType.WATCHING, {}),
        (CollectionType.WATCHING, CollectionType.WATCHING, {}),
        (CollectionType.COLLECTED, CollectionType.COLLECTED, {}),
        (CollectionType.ON_HOLD, CollectionType.ON_HOLD, {}),
        (CollectionType.DROPPED, CollectionType.DROPPED, {}),
        (CollectionType.ON_HOLD, CollectionType.WATCHING, {"on_hold": "resume"}),
        (CollectionType.DROPPED, CollectionType.WATCHING, {"dropped": "resume"}),
        (CollectionType.DROPPED, CollectionType.DROPPED, {"on_hold": "resume"}),
    ],
)
def test_what_a_start_does(with_policy, server, before, after, policy):
    account = with_policy(**policy)
    server.add_subject(1)
    if before is not None:
        server.entries[1] = Entry(before, rate=7)
    account.watch(started())
    account.report()
    assert server.entries == {1: Entry(after, rate=7 if before else 0)}
    assert server.watched(1) == []
    assert server.count(WRITES) == (0 if before is after else 1)
    asked = len(server.requests)
    account.report()
    assert len(server.requests) == asked


def test_it_can_be_turned_off(with_policy, server):
    account = with_policy(watching_on_start=False)
    account.watch(started())
    account.report()
    assert server.requests == []


def test_a_dry_run_s_plan_shows_it_and_stays_until_it_is_sent(account, server):
    server.add_subject(1)
    account.watch(started())
    for _ in range(2):
        plan = account.plan()
        assert (plan.numbers["planned_entries"], plan.numbers["planned_marks"]) == (1, 0)
    assert server.count(WRITES) == 0
    account.send()
    assert server.entries == {1: Entry(CollectionType.WATCHING)}


def test_what_the_user_sets_afterwards_stays_until_it_is_played_again(account, server):
    server.add_subject(1)
    account.watch(started())
    account.report()
    server.entries[1] = Entry(CollectionType.WISH)
    account.report()
    assert server.entries == {1: Entry(CollectionType.WISH)}
    account.watch(started(at=NOW + timedelta(days=1)))
    account.report()
    assert server.entries == {1: Entry(CollectionType.WATCHING)}


def test_a_subject_that_is_seen_anew_does_not_become_seen_by_a_start(account, server):
    """All was marked from here, then the user has set 在看 by hand to see it once more."""
    server.add_subject(1, 2)
    whole = [matched(1, 1), matched(1, 2)]
    account.watch(*whole)
    account.report()
    assert server.entries[1].type == CollectionType.COLLECTED
    server.entries[1] = Entry(CollectionType.WATCHING)
    account.watch(*whole, started(1, 1, at=NOW + timedelta(days=1), key="again"))
    account.report()
    assert server.entries[1].type == CollectionType.WATCHING


def test_begun_then_watched_is_one_mark(account, server):
    server.add_subject(1, 12)
    account.watch(started())
    account.report()
    account.watch(matched(1, 1, started_at=NOW))
    account.report()
    assert server.watched(1) == [1]
    assert server.marks == {101: 1}
    assert server.entries == {1: Entry(CollectionType.WATCHING)}


def test_a_start_never_takes_a_mark_away(with_policy, server):
    """Also where removed plays do: an item that was only begun has no plays either."""
    account = with_policy(unwatch=True)
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    account.watch(started(key="on another server"))
    account.report()
    assert server.watched(1) == [1]


def test_a_place_that_is_not_sure_enough_starts_nothing(account, server):
    account.watch(started(confidence=0.8))
    account.report()
    assert server.requests == []


def test_a_refused_entry_waits_for_its_time_however_often_it_is_looked_at(account, server):
    server.add_subject(1)
    account.watch(started())
    server.faults.append(Fault("400", "POST /v0/users/*"))
    account.report()
    with account.ledger.read() as connection:
        (entry,) = read_reports(connection, ACCOUNT)
    assert entry.state is ReportState.FAILED
    asked = len(server.requests)
    account.report()
    assert len(server.requests) == asked


def test_an_entry_whose_answer_was_lost_is_set_once(account, server):
    server.add_subject(1)
    account.watch(started())
    server.faults.append(Fault("lost", "POST /v0/users/*"))
    account.report()
    account.report()
    assert server.entries == {1: Entry(CollectionType.WATCHING)}
    assert server.count("POST /v0/users/*") == 1


def test_an_entry_that_a_plan_knew_before_is_looked_at_once(account, server):
    """Entries that were reported before this could be told of starts."""
    server.add_subject(1, 12)
    account.watch(matched(1, 1))
    account.report()
    account.watch(matched(1, 1), started(1, 2))
    account.report()
    asked = len(server.requests)
    account.report()
    assert len(server.requests) == asked
    assert server.entries == {1: Entry(CollectionType.WATCHING)}
