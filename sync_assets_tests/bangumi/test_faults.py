"""What goes wrong at Bangumi: limits, bans, lost answers, refused batches, and crashes."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta

import pytest

from sync_assets.bangumi.errors import BangumiBannedError, BangumiUnavailableError
from sync_assets.bangumi.planning import plan
from sync_assets.bangumi.report_models import ReportState
from sync_assets.bangumi.reports import count_states, read_reports
from sync_assets.bangumi.searching import RememberedSearch
from sync_assets.ledger import Ledger
from sync_assets.ledger.types import utc_now
from sync_assets_tests.bangumi.building import ACCOUNT, Account, matched, rating
from sync_assets_tests.upstreams.bangumi import BangumiServer, Entry, Fault

PATCH = "PATCH */episodes"


def states(account):
    with account.ledger.read() as connection:
        return count_states(connection, ACCOUNT)


def test_the_3001st_call_is_a_ban_that_stops_the_account_for_an_hour(account, server):
    """Another program has used the account's window up: ours is the call too many."""
    server.clock = account.time
    server._window_ends, server._count = server.clock() + 600, 3_000
    server.add_subject(1)
    account.watch(matched(1, 1))
    with pytest.raises(BangumiBannedError, match="banned the account"):
        account.plan()
    assert (len(server.requests), server.too_many) == (1, 1)
    account.now += timedelta(minutes=45)
    with pytest.raises(BangumiBannedError, match="must not be asked now"):
        account.plan()
    assert len(server.requests) == 1
    account.now += timedelta(minutes=16)
    account.report()
    assert server.watched(1) == [1]
    assert server.too_many == 1


def test_a_ban_in_the_middle_loses_nothing(account, server):
    for number in (1, 2):
        server.add_subject(number)
    account.watch(matched(1, 1), matched(2, 1))
    account.plan()
    server.faults.append(Fault("429", "PATCH */2/*"))
    with pytest.raises(BangumiBannedError):
        account.send()
    assert states(account) == {ReportState.DONE: 3, ReportState.PLANNED: 1}
    account.now += timedelta(hours=1, minutes=1)
    account.report()
    assert server.marks == {101: 1, 201: 1}


def test_our_own_pace_never_reaches_the_limit(account, server):
    """4,000 requests as fast as the budget lets them go, in a time that only the waits move."""
    server.clock = account.time
    client = account.client()

    def sleep(seconds):
        account.now += timedelta(seconds=seconds)

    client._transport._sleep = sleep
    started = account.now
    for _ in range(4_000):
        client._transport._wait_for_budget()
        assert not server._is_over_the_limit()
    assert account.now - started < timedelta(minutes=17)
    client.close()


def test_a_pause_that_is_announced_is_kept(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    server.faults.append(Fault("pause", PATCH, value=20))
    account.report()
    assert server.marks == {101: 1}
    assert max(account.slept) == pytest.approx(20, abs=1)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_202_and_204_are_both_success(account, server, status, monkeypatch):
    original = BangumiServer._collect

    def collect(self, number, body):
        reply = original(self, number, body)
        return type(reply)(b"" if status == 204 else reply.body, status)

    monkeypatch.setattr(BangumiServer, "_collect", collect)
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    assert server.watched(1) == [1]
    assert server.count("POST /v0/users/*") == 1


def test_patch_400_with_one_bad_id_marks_all_the_others(account, server):
    """An episode that was removed from the subject between reading and marking."""
    server.add_subject(1, 12)
    account.watch(*(matched(1, n) for n in range(1, 13)))
    account.plan()
    del server.subjects[1].episodes[105], server._episodes[105]
    result = account.send()
    assert server.watched(1) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert (result.numbers["marks"], result.failed) == (11, 1)
    assert set(server.marks.values()) == {1}
    assert server.count(PATCH) <= 4
    assert server.count("PUT *") == 1
    with account.ledger.read() as connection:
        (failed,) = read_reports(connection, ACCOUNT, states=[ReportState.FAILED])
    assert failed.episode_id == 105
    assert server.entries[1].type == 3


def test_an_id_that_is_refused_although_it_is_right_is_marked_by_itself(account, server):
    server.add_subject(1, 4)
    account.watch(*(matched(1, n) for n in range(1, 5)))
    server.faults.append(Fault("rejects", PATCH, times=9, value=103))
    account.report()
    assert server.watched(1) == [1, 2, 3, 4]
    assert set(server.marks.values()) == {1}
    assert server.count("PUT *") == 1


def test_a_batch_that_is_refused_without_a_name_is_parted(account, server):
    server.add_subject(1, 8)
    account.watch(*(matched(1, n) for n in range(1, 9)))
    server.faults.append(Fault("400", PATCH, times=2))
    account.report()
    assert server.watched(1) == list(range(1, 9))
    assert set(server.marks.values()) == {1}


def test_a_subject_that_left_the_collection_is_put_back(account, server):
    server.add_subject(1, 4)
    server.entries[1] = Entry(3)
    account.watch(matched(1, 1))
    account.plan()
    server.entries.clear()
    account.send()
    assert (server.watched(1), server.entries[1].type) == ([1], 3)


def test_a_subject_that_is_put_back_is_as_private_as_a_new_one(with_policy, server):
    account = with_policy(private=True)
    server.add_subject(1, 4)
    server.entries[1] = Entry(3, private=True)
    account.watch(matched(1, 1))
    account.plan()
    server.entries.clear()
    account.send()
    assert server.entries[1] == Entry(3, private=True)


def test_an_entry_that_is_refused_keeps_its_own_marks_back_and_no_others(account, server):
    for number in (1, 2):
        server.add_subject(number)
    account.watch(matched(1, 1), matched(2, 1))
    server.faults.append(Fault("400", "POST */collections/1"))
    result = account.report()
    assert (server.watched(1), server.watched(2), result.failed) == ([], [1], 2)
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_what_failed_is_tried_again_when_its_time_has_come(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    server.faults.append(Fault("400", "POST */collections/1"))
    account.report()
    with account.run() as run:
        later = replace(run, clock=lambda: utc_now() + timedelta(hours=1, minutes=1))
        plan(later)
    account.send()
    assert server.watched(1) == [1]


def test_a_change_of_an_entry_that_is_refused_keeps_no_mark_back(account, server):
    server.add_subject(1)
    server.entries[1] = Entry(1)
    account.watch(matched(1, 1))
    server.faults.append(Fault("400", "POST */collections/1"))
    account.report()
    assert (server.watched(1), server.entries[1].type) == ([1], 1)


def test_an_html_body_from_search_is_not_nothing_found(account, server):
    server.add_subject(1, name="星の茶壺")
    server.search_hits = [1]
    server.faults.append(Fault("html", "POST /v0/search/*", times=8))
    search = RememberedSearch(account.client(), account.ledger)
    for _ in range(3):
        with pytest.raises(BangumiUnavailableError):
            search.search("星の茶壺", begin=None, end=None)
    assert len(server.requests) == 8
    later = RememberedSearch(account.client(), account.ledger)
    days = {"begin": date(2026, 1, 1), "end": date(2026, 2, 1)}
    (hit,) = later.search("星の茶壺", **days)
    assert (hit.subject, hit.name, hit.episodes) == (1, "星の茶壺", 12)
    assert later.search("星の茶壺", **days) == [hit]
    assert len(server.requests) == 9


@pytest.mark.parametrize("kind", ["502", "html", "cut"])
def test_reading_is_tried_again(account, server, kind):
    server.add_subject(1)
    account.watch(matched(1, 1))
    server.faults.append(Fault(kind, "GET */episodes", times=2))
    account.report()
    assert server.watched(1) == [1]


def test_one_subject_that_cannot_be_read_does_not_stop_the_others(account, server):
    for number in (1, 2, 3):
        server.add_subject(number)
    account.watch(*(matched(number, 1) for number in (1, 2, 3)))
    server.faults.append(Fault("500", "GET */2/episodes", times=4))
    result = account.plan()
    assert result.failed == 1
    account.send()
    assert server.marks == {101: 1, 301: 1}
    account.report()
    assert server.marks == {101: 1, 201: 1, 301: 1}


def test_when_bangumi_is_down_the_run_ends_and_the_next_one_goes_on(account, server):
    for number in range(1, 9):
        server.add_subject(number)
    account.watch(*(matched(number, 1) for number in range(1, 9)))
    fault = Fault("503", "GET */episodes", times=float("inf"))
    server.faults.append(fault)
    with pytest.raises(BangumiUnavailableError):
        account.plan()
    fault.times = 0
    account.report()
    assert len(server.marks) == 8


@pytest.mark.parametrize("kind", ["lost", "cut", "502"])
@pytest.mark.parametrize("pattern", [PATCH, "POST /v0/users/*"])
def test_an_unknown_outcome_is_resolved_by_reading(account, server, kind, pattern):
    server.add_subject(1, 3)
    account.watch(*(matched(1, n) for n in (1, 2)))
    server.faults.append(Fault(kind, pattern))
    result = account.report()
    assert server.watched(1) == [1, 2]
    assert server.marks == {101: 1, 102: 1}
    assert server.entries[1] == Entry(3)
    assert (result.numbers["unknown"], result.numbers["marks"]) == (0, 2)


def test_a_lost_answer_of_a_single_mark_is_resolved_by_reading(account, server):
    server.add_subject(1, 3)
    account.watch(*(matched(1, n) for n in (1, 2, 3)))
    server.faults += [Fault("rejects", PATCH, times=2, value=102), Fault("lost", "PUT *")]
    account.report()
    assert server.marks == {101: 1, 102: 1, 103: 1}


def test_what_cannot_be_resolved_stays_unknown_until_it_can(any_account, server):
    server.add_subject(1, 3)
    any_account.watch(matched(1, 1))
    any_account.plan()
    server.faults += [
        Fault("lost", PATCH),
        Fault("503", "GET */episodes", times=4),
    ]
    result = any_account.send()
    assert result.numbers["unknown"] == 1
    any_account.report()
    assert ReportState.UNKNOWN not in states(any_account)
    assert server.marks == {101: 1}


PROGRAM = """
import sys
from pathlib import Path
from sync_assets.ledger import Ledger
from sync_assets_tests.bangumi.building import Account

class Server:
    url = sys.argv[1]

account = Account(Server, Ledger.open(sys.argv[2]), Path(sys.argv[3]))
sys.stdin.readline()
account.report()
"""


def start(server, url, directory):
    command = [sys.executable, "-c", PROGRAM, server.url, url, str(directory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True)


def prepare(server, ledger, directory):
    server.add_subject(1, 3)
    server.add_subject(2, 4)
    server.entries[2] = Entry(1)
    server.states[201] = 2
    account = Account(server, ledger, directory)
    account.watch(*(matched(1, n) for n in (1, 2, 3)), *(matched(2, n) for n in (1, 2, 3)))
    account.rate(rating("show", "show/trakt/1", 8))
    return account


def undisturbed(ledger, directory):
    with BangumiServer() as server:
        prepare(server, ledger, directory).report()
        return server.content(), dict(server.marks), len(server.requests)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_crash_between_any_two_requests_converges_to_the_same_state(tmp_path, done):
    """The run is killed (SIGKILL) at each of its requests, before or after Bangumi does it."""
    reference = Ledger.open(f"sqlite:///{tmp_path / 'reference' / 'ledger.db'}")
    content, marks, requests = undisturbed(reference, tmp_path / "reference")
    reference.close()
    assert set(marks.values()) == {1}
    assert requests == 9
    for index in range(1, requests + 1):
        directory = tmp_path / str(index)
        url = f"sqlite:///{directory / 'ledger.db'}"
        ledger = Ledger.open(url)
        with BangumiServer() as server:
            account = prepare(server, ledger, directory)
            process = start(server, url, directory)
            server.kill = (process.pid, index, done)
            process.communicate("go\n", timeout=60)
            assert process.returncode == -9
            account.report()
            assert (server.content(), dict(server.marks)) == (content, marks), index
            assert server.violations == []
        ledger.close()


@pytest.mark.postgres
def test_a_crash_converges_on_postgresql_as_well(postgres_url, tmp_path):
    ledger = Ledger.open(postgres_url)
    with BangumiServer() as server:
        account = prepare(server, ledger, tmp_path)
        process = start(server, postgres_url, tmp_path)
        server.kill = (process.pid, 7, True)
        process.communicate("go\n", timeout=60)
        assert process.returncode == -9
        account.report()
        assert set(server.marks.values()) == {1}
        assert (server.watched(1), server.watched(2)) == ([1, 2, 3], [1, 2, 3])
    ledger.close()
