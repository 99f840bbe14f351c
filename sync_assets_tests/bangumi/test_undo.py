"""Taking a run back."""

import pytest

from sync_assets.bangumi.undoing import changes_of_run, undo
from sync_assets_tests.bangumi.building import ACCOUNT, matched, rating
from sync_assets_tests.upstreams.bangumi import Entry, Fault


def changes(account, run_id):
    with account.ledger.read() as connection:
        return changes_of_run(connection, run_id)


def take_back(account, run_id):
    client = account.client()
    try:
        return undo(account.ledger, client, changes(account, run_id), "undo")
    finally:
        client.close()


@pytest.fixture
def reported(any_account, server):
    """Episodes 2 and 3 marked by run-2, which also completed the subject and rated it."""
    server.add_subject(1, 3)
    server.entries[1] = Entry(3)
    server.states.update({101: 2, 102: 1})
    any_account.watch(*(matched(1, n) for n in (1, 2, 3)))
    any_account.rate(rating("show", "show/trakt/1", 8))
    any_account.report()
    return any_account


def test_what_was_before_is_back(reported, server):
    assert (server.watched(1), server.entries[1]) == ([1, 2, 3], Entry(2, 8))
    assert take_back(reported, "run-2") == (3, 0)
    assert server.states == {101: 2, 102: 1, 103: 0}
    assert server.entries[1] == Entry(3, 0)
    assert changes(reported, "run-2") == []


def test_what_was_taken_back_is_not_sent_again(reported, server):
    take_back(reported, "run-2")
    before = len(server.requests)
    reported.report()
    assert len(server.requests) == before


def test_what_was_changed_since_is_left(reported, server):
    server.states[103] = 3
    server.entries[1].type = 4
    assert take_back(reported, "run-2") == (1, 2)
    assert server.states == {101: 2, 102: 1, 103: 3}
    assert server.entries[1] == Entry(4, 8)


def test_a_lost_answer_is_made_good_by_running_it_again(reported, server):
    server.faults.append(Fault("lost", "PATCH *"))
    with pytest.raises(Exception, match="Nobody knows"):
        take_back(reported, "run-2")
    assert take_back(reported, "run-2") == (3, 0)
    assert server.states == {101: 2, 102: 1, 103: 0}


def test_an_entry_that_the_run_has_made_stays_without_its_rating(account, server):
    server.add_subject(1, 3)
    account.watch(matched(1, 1))
    account.rate(rating("show", "show/trakt/1", 8))
    account.report()
    (entry,) = [each for each in changes(account, "run-2") if each.is_entry]
    assert "stays" in entry.description
    take_back(account, "run-2")
    assert (server.watched(1), server.entries[1]) == ([], Entry(3, 0))


def test_what_was_there_already_is_not_taken_back(account, server):
    server.add_subject(1, 3)
    server.entries[1] = Entry(3)
    server.states[101] = 2
    account.watch(matched(1, 1))
    account.report()
    assert changes(account, "run-1") == changes(account, "run-2") == []


def test_a_mark_whose_answer_was_lost_belongs_to_the_run_that_set_it(account, server):
    server.add_subject(1, 3)
    account.watch(matched(1, 1))
    account.plan()
    server.faults += [Fault("lost", "PATCH *"), Fault("503", "GET */episodes", times=4)]
    account.send()
    account.report()
    assert [each.episode_id for each in changes(account, "run-2") if not each.is_entry] == [101]
    assert changes(account, "run-2")[0].account == ACCOUNT
