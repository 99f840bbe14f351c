"""From what was watched to what Bangumi has: plan and send."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sync_assets.bangumi.errors import BangumiUnauthorizedError
from sync_assets.bangumi.report_models import ReportState
from sync_assets.bangumi.reports import count_states
from sync_assets.bangumi.sending import send
from sync_assets.ledger.types import utc_now
from sync_assets_tests.bangumi.building import ACCOUNT, NOW, day, film, matched, rating
from sync_assets_tests.upstreams.bangumi import Entry, Fault


def states(account):
    with account.ledger.read() as connection:
        return count_states(connection, ACCOUNT)


def test_a_new_subject_is_collected_then_marked_in_one_batch(any_account, server):
    server.add_subject(1)
    any_account.watch(*(matched(1, n) for n in range(1, 6)))
    result = any_account.report()
    assert server.watched(1) == [1, 2, 3, 4, 5]
    assert server.entries[1] == Entry(3)
    assert server.requests[-2:] == [
        "POST /v0/users/-/collections/1",
        "PATCH /v0/users/-/collections/1/episodes",
    ]
    assert (result.numbers["marks"], result.numbers["entries"], result.failed) == (5, 1, 0)
    assert len(server.timeline) == 2


def test_a_second_run_asks_for_nothing(any_account, server):
    server.add_subject(1)
    server.add_subject(2)
    any_account.watch(matched(1, 1), matched(2, 3))
    any_account.report()
    before = len(server.requests)
    result = any_account.report()
    assert len(server.requests) == before
    assert result.numbers["marks"] == 0
    assert set(server.marks.values()) == {1}


def test_rating_and_type_go_in_one_request(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.rate(rating("season", "show/trakt/1", 9, season=1))
    account.report()
    assert server.entries[1] == Entry(3, 9)
    assert server.count("POST /v0/users/*") == 1


def test_a_subject_is_complete_when_all_main_episodes_are_seen(account, server):
    server.add_subject(1, 3, specials=2)
    server.entries[1] = Entry(3)
    server.states[101] = 2
    account.watch(matched(1, 1), matched(1, 2), matched(1, 3))
    account.report()
    assert server.entries[1].type == 2
    assert server.marks == {102: 1, 103: 1}


def test_completing_can_be_turned_off(with_policy, server):
    account = with_policy(complete_subjects=False)
    server.add_subject(1, 2)
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    assert server.entries[1].type == 3


def test_a_subject_whose_episodes_are_not_all_listed_yet_is_not_complete(account, server):
    server.add_subject(1, 2)
    account.watch(*(matched(1, n, subject_episodes=12) for n in (1, 2)))
    account.report()
    assert server.entries[1].type == 3


def test_episodes_that_are_seen_already_are_never_sent(account, server):
    server.add_subject(1)
    server.entries[1] = Entry(3)
    server.states.update({101: 2, 102: 2})
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    assert not server.marks
    assert server.count("P* /v0/users/*") == 0


def test_below_the_confidence_nothing_is_marked(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1, confidence=0.89), matched(1, 2, confidence=0.5, status="review"))
    account.report()
    assert server.requests == []


def test_the_confidence_is_checked_again_right_before_sending(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1), matched(1, 2))
    account.plan()
    account.watch(matched(1, 1, confidence=0.6), matched(1, 2))
    result = account.send()
    assert not server.marks
    assert result.numbers["withdrawn"] == 1
    account.report()
    assert server.watched(1) == [2]


def test_what_was_withdrawn_is_planned_again_when_it_is_sure_again(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.plan()
    account.watch(matched(1, 1, confidence=0.6))
    account.plan()
    account.watch(matched(1, 1))
    account.report()
    assert server.watched(1) == [1]


@pytest.mark.parametrize("kept", [4, 5])
def test_what_the_user_has_put_aside_is_left_alone(account, server, kept):
    server.add_subject(1)
    server.entries[1] = Entry(kept)
    account.watch(matched(1, 1))
    account.report()
    assert (server.entries[1].type, server.watched(1)) == (kept, [])
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_what_the_user_has_put_aside_is_resumed_by_policy(with_policy, server):
    account = with_policy(on_hold="resume")
    server.add_subject(1)
    server.entries[1] = Entry(4)
    account.watch(matched(1, 1))
    account.report()
    assert (server.entries[1].type, server.watched(1)) == (3, [1])


def test_an_episode_that_the_user_has_dropped_is_left_alone(account, server):
    server.add_subject(1)
    server.entries[1] = Entry(3)
    server.states[101] = 3
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    assert (server.states[101], server.watched(1)) == (3, [2])


def test_a_mark_that_the_user_takes_away_stays_away(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    server.states[101] = 0
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    assert server.watched(1) == [2]


def test_a_type_that_the_user_sets_after_us_stays(account, server):
    server.add_subject(1, 1)
    account.watch(matched(1, 1))
    account.report()
    assert server.entries[1].type == 2
    server.entries[1].type = 3
    account.rate(rating("show", "show/trakt/1", 7))
    account.report()
    account.rate(rating("show", "show/trakt/1", 8))
    account.report()
    assert server.entries[1] == Entry(3, 8)


def test_a_rating_that_was_given_at_bangumi_is_kept(account, server):
    server.add_subject(1)
    server.entries[1] = Entry(3, 5)
    account.watch(matched(1, 1))
    account.rate(rating("show", "show/trakt/1", 9))
    account.report()
    assert server.entries[1].rate == 5
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_a_rating_that_was_given_at_bangumi_is_replaced_by_policy(with_policy, server):
    account = with_policy(overwrite_ratings=True)
    server.add_subject(1)
    server.entries[1] = Entry(3, 5)
    account.watch(matched(1, 1))
    account.rate(rating("show", "show/trakt/1", 9))
    account.report()
    assert server.entries[1].rate == 9


def test_a_show_s_rating_goes_to_its_first_subject_and_a_season_s_comes_first(account, server):
    for number in (1, 2):
        server.add_subject(number)
    second = matched(2, 1, work="show/trakt/1", season=2)
    account.watch(matched(1, 1), second)
    account.rate(rating("show", "show/trakt/1", 7), rating("season", "show/trakt/1", 9, season=2))
    account.report()
    assert (server.entries[1].rate, server.entries[2].rate) == (7, 9)


def rated_only(subject, **fields):
    return matched(subject, 1, is_rated_only=True, plays=0, watched_at=None, **fields)


def test_the_rating_of_what_was_never_played_is_given_with_its_entry(with_policy, server):
    account = with_policy(unplayed_ratings="collected")
    server.add_subject(1)
    account.watch(rated_only(1))
    account.rate(rating("show", "show/trakt/1", 9))
    account.report()
    assert server.entries[1] == Entry(2, 9)
    assert not server.marks
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


@pytest.mark.parametrize("policy", ["existing", "collected"])
def test_an_entry_that_is_there_keeps_its_type_and_gets_the_rating(with_policy, server, policy):
    account = with_policy(unplayed_ratings=policy)
    server.add_subject(1)
    server.entries[1] = Entry(3)
    account.watch(rated_only(1))
    account.rate(rating("show", "show/trakt/1", 9))
    account.report()
    assert server.entries[1] == Entry(3, 9)


def test_without_an_entry_nothing_is_rated_and_nothing_is_asked_again(account, server):
    server.add_subject(1)
    account.watch(rated_only(1))
    account.rate(rating("show", "show/trakt/1", 9))
    account.report()
    assert not server.entries
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_what_was_played_counts_more_for_a_show_s_rating_than_what_was_not(account, server):
    for number in (1, 2):
        server.add_subject(number)
    second = matched(2, 1, work="show/trakt/1", season=2)
    account.watch(rated_only(1), second)
    account.rate(rating("show", "show/trakt/1", 7))
    account.report()
    assert server.entries == {2: Entry(3, 7)}


def test_the_rating_of_a_season_that_was_not_played_goes_to_it(with_policy, server):
    account = with_policy(unplayed_ratings="collected")
    for number in (1, 2):
        server.add_subject(number)
    account.watch(matched(1, 1), rated_only(2, work="show/trakt/1", season=2))
    account.rate(rating("season", "show/trakt/1", 8, season=2))
    account.report()
    assert (server.entries[1].rate, server.entries[2]) == (0, Entry(2, 8))


def test_trakt_s_collection_becomes_want_to_watch_by_policy(with_policy, server):
    account = with_policy(collection="wish")
    server.add_subject(1)
    account.watch(matched(1, 1, is_collected_only=True, plays=0, watched_at=None))
    account.report()
    assert server.entries[1] == Entry(1)
    assert not server.marks
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_new_entries_are_private_by_policy(with_policy, server):
    account = with_policy(private=True)
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    assert server.entries[1].private


def test_a_removed_play_takes_its_mark_away_by_policy(with_policy, server):
    account = with_policy(unwatch=True)
    server.add_subject(1, 2)
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    account.watch(matched(1, 1), matched(1, 2, plays=0, removed_plays=1))
    account.report()
    assert (server.watched(1), server.entries[1].type) == ([1], 3)
    account.watch(matched(1, 1), matched(1, 2))
    account.report()
    assert (server.watched(1), server.entries[1].type) == ([1, 2], 2)


def test_a_removed_play_changes_nothing_without_the_policy(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    before = len(server.requests)
    account.watch(matched(1, 1, plays=0, removed_plays=1))
    account.report()
    assert (server.watched(1), len(server.requests)) == ([1], before)


def test_a_mark_that_is_not_ours_is_not_taken_away(with_policy, server):
    account = with_policy(unwatch=True)
    server.add_subject(1)
    server.entries[1] = Entry(3)
    server.states[101] = 2
    account.watch(matched(1, 1))
    account.report()
    account.watch(matched(1, 1, plays=0, removed_plays=1))
    account.report()
    assert server.watched(1) == [1]


def test_a_film_without_episodes_is_its_entry_alone(account, server):
    server.add_subject(1, 0)
    account.watch(film(1))
    account.report()
    assert server.entries[1].type == 2
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_an_episode_that_bangumi_does_not_have_is_tried_again_later(account, server):
    server.add_subject(1, 2)
    account.watch(matched(1, 1), matched(1, 3))
    account.report()
    assert server.watched(1) == [1]
    assert states(account)[ReportState.FAILED] == 1
    before = len(server.requests)
    account.report()
    assert len(server.requests) == before


def test_a_plan_that_is_old_is_not_sent(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.plan()
    with account.run() as run:
        result = send(replace(run, clock=lambda: utc_now() + timedelta(hours=2)))
    assert result.numbers["outdated"] == 2
    assert not server.marks


def test_subjects_that_are_not_collected_may_be_listed_without_states(account, server):
    server.lists_uncollected = False
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    assert server.watched(1) == [1]


def test_many_subjects_take_one_request_each_and_a_few_pages(account, server):
    for number in range(1, 61):
        server.add_subject(number, 2)
        server.entries[number] = Entry(3)
    account.watch(*(matched(number, 1) for number in range(1, 61)))
    account.plan()
    assert server.count("GET /v0/users/alice/collections") == 2
    assert server.count("GET */episodes") == 60
    assert len(server.requests) == 1 + 2 + 60


def test_the_plan_can_be_read_before_anything_is_sent(account, server):
    server.add_subject(1, 1)
    account.watch(matched(1, 1, title="A | show"))
    result = account.plan()
    assert result.numbers["planned_marks"] == 1
    assert "| A \\| show | main 1 | 未标记 → 看过 |" in result.notes["plan"]
    with Path(result.notes["csv"]).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["before"], row["after"]) for row in rows] == [
        ("collection", "未收藏", "看过"),
        ("main", "未标记", "看过"),
    ]
    assert account.lake.table(("bangumi", "plan"), partition=ACCOUNT).num_rows == 2
    assert not server.marks
    assert server.count("P* /v0/users/*") == 0


@pytest.mark.parametrize(
    ("options", "wanted", "expected"),
    [
        ({"sort_from": 13}, {"episode": 1}, 1),
        ({"sort_from": 13}, {"episode": 14}, 2),
        ({"sort_from": 13, "with_ep": False}, {"episode": 13}, 1),
        ({"sort_from": 48}, {"episode": 20, "absolute_number": 50}, 3),
        ({"airdates": {3: "2026-04-17"}}, {"episode": 99, "release_date": "2026-04-16"}, 3),
        (
            {"specials": 2, "airdates": {52: "2026-04-17"}},
            {"episode": 7, "episode_type": "special", "release_date": "2026-04-18"},
            52,
        ),
        ({"specials": 2}, {"episode": 1, "episode_type": "special"}, 51),
    ],
)
def test_the_episode_is_found(account, server, options, wanted, expected):
    server.add_subject(1, **options)
    if "release_date" in wanted:
        wanted = {**wanted, "release_date": day(wanted["release_date"])}
    account.watch(matched(1, 1, **wanted))
    account.report()
    assert server.watched(1) == [expected]


def test_an_episode_is_never_guessed(account, server):
    server.add_subject(1, airdates={3: "2026-04-17", 4: "2026-04-17"})
    account.watch(matched(1, 1, episode=99, release_date=day("2026-04-17")))
    account.report()
    assert not server.marks


def test_two_items_at_one_place_are_one_mark(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1), matched(1, 1, key="other", title="The same"))
    account.report()
    assert server.marks == {101: 1}


def test_a_token_that_is_not_accepted_says_connect_again(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    server.tokens.clear()
    with pytest.raises(BangumiUnauthorizedError, match="scripts/connect bangumi alice"):
        account.plan()
    assert len(server.requests) == 1


def test_a_token_that_expires_in_the_middle_loses_nothing(account, server):
    for number in (1, 2):
        server.add_subject(number)
    account.watch(matched(1, 1), matched(2, 1))
    account.plan()
    server.faults.append(Fault("401", "PATCH *"))
    with pytest.raises(BangumiUnauthorizedError):
        account.send()
    assert ReportState.SENDING not in states(account)
    account.report()
    assert server.marks == {101: 1, 201: 1}


def test_a_new_play_is_all_that_the_next_run_sends(account, server):
    server.add_subject(1)
    account.watch(matched(1, 1))
    account.report()
    before = len(server.requests)
    account.watch(matched(1, 1), matched(1, 2, watched_at=NOW))
    account.report()
    assert server.requests[before:] == [
        "GET /v0/me",
        "GET /v0/users/alice/collections/1",
        "GET /v0/users/-/collections/1/episodes",
        "PATCH /v0/users/-/collections/1/episodes",
    ]
