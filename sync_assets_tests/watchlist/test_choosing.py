"""Which releases are taken, which are awaited, and which are left."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sync_assets.watchlist.choosing import Decision, Held, Offer, Verdict, Wishes, choose
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import EpisodeKind

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
JUST_NOW = NOW - timedelta(minutes=5)
WAIT = Wishes().wait


def episode(text: str, season: int | None = None) -> EpisodeNumber:
    return EpisodeNumber(season, Decimal(text))


def offer(key: str, *numbers: str, **values: Any) -> Offer:
    values.setdefault("first_seen_at", JUST_NOW)
    return Offer(key, tuple(map(episode, numbers)), **values)


def decide(offers: list[Offer], held: dict[EpisodeNumber, Held] | None = None, **wishes: Any):
    return choose(offers, held or {}, Wishes(**wishes), NOW)


def taken(decisions: list[Decision]) -> list[tuple[str, list[str]]]:
    return [
        (each.offer.key if each.offer else "", [str(one.number) for one in each.episodes])
        for each in decisions
        if each.verdict is Verdict.TAKE
    ]


def test_new_means_not_had_and_never_greater_than_the_last() -> None:
    held = {episode(text): Held() for text in ("1", "3", "13")}
    offers = [offer(text, text) for text in ("13", "12.5", "3", "2", "1", "0")]
    assert taken(decide(offers, held)) == [("0", ["0"]), ("2", ["2"]), ("12.5", ["12.5"])]


def test_kinds_and_seasons_are_different_episodes() -> None:
    special = EpisodeNumber(None, Decimal(1), EpisodeKind.SPECIAL)
    offers = [
        offer("regular", "1"),
        Offer("special", (special,), JUST_NOW),
        Offer("second", (episode("1", 2),), JUST_NOW),
    ]
    decisions = decide(offers, {episode("1"): Held()})
    assert [each.offer.key for each in decisions if each.offer] == ["second", "special"]


def test_the_best_picture_is_taken_at_once_where_any_will_do() -> None:
    offers = [offer("small", "1", resolution=480), offer("large", "1", resolution=1080)]
    assert taken(decide(offers)) == [("large", ["1"])]


def test_several_groups_make_one_download() -> None:
    offers = [offer(group, "1", group=group, resolution=1080) for group in ("A", "B", "C")]
    assert taken(decide(offers)) == [("A", ["1"])]


def test_the_wanted_picture_is_taken_at_once() -> None:
    offers = [offer("small", "1", resolution=480), offer("wanted", "1", resolution=720)]
    assert taken(decide(offers, lines=720)) == [("wanted", ["1"])]


def test_less_than_the_wanted_picture_is_taken_after_the_wait() -> None:
    offers = [offer("unknown", "1"), offer("small", "1", resolution=480)]
    (waiting,) = decide(offers, lines=720)
    assert waiting.verdict is Verdict.WAIT
    assert waiting.until == JUST_NOW + WAIT
    later = choose(offers, {}, Wishes(lines=720), JUST_NOW + WAIT)
    assert taken(later) == [("small", ["1"])]


def test_the_wait_counts_from_what_was_seen_first() -> None:
    offers = [
        offer("first", "1", resolution=480, first_seen_at=NOW - WAIT),
        offer("better", "1", resolution=720),
    ]
    assert taken(decide(offers, lines=1080)) == [("better", ["1"])]


def test_nobody_waits_for_what_a_wrong_clock_saw_in_the_future() -> None:
    future = NOW + timedelta(days=365)
    assert taken(decide([offer("small", "1", resolution=480, first_seen_at=future)], lines=1080))


def test_more_than_the_wanted_picture_is_not_taken() -> None:
    (decision,) = decide([offer("large", "1", resolution=2160, first_seen_at=LONG_AGO)], lines=720)
    assert decision.verdict is Verdict.NOTHING
    assert "more than the wanted 720" in decision.reason


@pytest.mark.parametrize("lines", [1080, 1088, 1440])
def test_a_picture_counts_by_its_step_of_quality(lines: int) -> None:
    assert taken(decide([offer("one", "1", resolution=lines)], lines=1080))


@pytest.mark.parametrize(
    ("offered", "wanted", "is_taken"),
    [
        ("vostfr", "vostfr", True),
        ("vf", "vostfr", False),
        ("mul", "vostfr", True),
        (None, "vostfr", True),
        ("zh-Hans", "zh", True),
        ("zh-Hant", "zh-Hans", False),
        ("VOSTFR", "vostfr", True),
        ("vf", None, True),
    ],
)
def test_another_language_is_not_taken(
    offered: str | None, wanted: str | None, is_taken: bool
) -> None:
    decisions = decide([offer("one", "1", language=offered)], language=wanted)
    assert bool(taken(decisions)) is is_taken
    assert decisions[0].reason


def test_what_says_its_language_is_preferred_to_what_does_not() -> None:
    offers = [offer("silent", "1"), offer("stated", "1", language="en")]
    assert taken(decide(offers, language="en")) == [("stated", ["1"])]


def test_a_preferred_group_is_awaited_and_then_any_will_do() -> None:
    offers = [offer("other", "1", group="Other", resolution=1080)]
    (waiting,) = decide(offers, groups=("Dear",))
    assert waiting.verdict is Verdict.WAIT
    dear = offer("dear", "1", group="dear", resolution=1080)
    assert taken(decide([*offers, dear], groups=("Dear",))) == [("dear", ["1"])]
    assert taken(choose(offers, {}, Wishes(groups=("Dear",)), NOW + WAIT)) == [("other", ["1"])]


def test_of_two_preferred_groups_the_dearest_counts() -> None:
    offers = [offer("second", "1", group="B"), offer("first", "1", group="A")]
    assert taken(decide(offers, groups=("A", "B"))) == [("first", ["1"])]


def test_the_newest_version_is_taken_first() -> None:
    offers = [offer("v1", "1", group="A"), offer("v2", "1", group="A", version=2)]
    assert taken(decide(offers)) == [("v2", ["1"])]


def test_a_corrected_version_replaces_only_where_that_is_wished() -> None:
    held = {episode("1"): Held(version=1, group="A", resolution=1080)}
    offers = [offer("v2", "1", group="A", resolution=1080, version=2)]
    assert decide(offers, held) == []
    (decision,) = decide(offers, held, replaces_versions=True)
    assert decision.is_replacement
    assert taken([decision]) == [("v2", ["1"])]


@pytest.mark.parametrize(
    ("held", "values"),
    [
        (Held(version=2, group="A"), {"group": "A", "version": 2}),
        (Held(group="A"), {"group": "B", "version": 2}),
        (Held(group="A", resolution=1080), {"group": "A", "version": 2, "resolution": 720}),
        (Held(is_settled=False, group="A"), {"group": "A", "version": 2}),
    ],
)
def test_what_corrects_nothing_replaces_nothing(held: Held, values: dict[str, Any]) -> None:
    assert decide([offer("v2", "1", **values)], {episode("1"): held}, replaces_versions=True) == []


TWELVE = [str(number) for number in range(1, 13)]


def test_a_batch_is_one_download_for_all_that_is_missing_of_it() -> None:
    held = {episode("1"): Held(), episode("2"): Held()}
    offers = [*(offer(text, text) for text in TWELVE), offer("batch", *TWELVE)]
    (decision,) = decide(offers, held)
    assert taken([decision]) == [("batch", TWELVE[2:])]
    assert "10 missing of 12" in decision.reason


def test_a_batch_of_which_most_is_had_is_left_to_single_releases() -> None:
    held = {episode(text): Held() for text in TWELVE if text != "7"}
    offers = [offer("batch", *TWELVE, resolution=1080), offer("single", "7", resolution=480)]
    assert taken(decide(offers, held)) == [("single", ["7"])]


def test_a_batch_is_taken_for_one_episode_that_comes_in_no_other_way() -> None:
    held = {episode(text): Held() for text in TWELVE if text != "7"}
    offers = [offer("batch", *TWELVE)]
    (waiting,) = decide(offers, held)
    assert waiting.verdict is Verdict.WAIT
    assert [str(each.number) for each in waiting.episodes] == ["7"]
    assert taken(choose(offers, held, Wishes(), NOW + WAIT)) == [("batch", ["7"])]


def test_two_batches_that_overlap_make_one_download_of_each_episode() -> None:
    offers = [offer("half", *TWELVE[:6]), offer("whole", *TWELVE)]
    assert taken(decide(offers)) == [("whole", TWELVE)]


def test_a_batch_of_a_lesser_picture_is_awaited_like_a_single_release() -> None:
    offers = [offer("batch", *TWELVE, resolution=480)]
    assert {each.verdict for each in decide(offers, lines=1080)} == {Verdict.WAIT}
    assert taken(choose(offers, {}, Wishes(lines=1080), NOW + WAIT)) == [("batch", TWELVE)]


def test_what_is_doubtful_or_failed_for_good_is_left_with_the_reason() -> None:
    decisions = decide([offer("a", "1", is_doubtful=True), offer("b", "2", is_given_up=True)])
    assert [each.verdict for each in decisions] == [Verdict.NOTHING, Verdict.NOTHING]
    assert "doubtful" in decisions[0].reason
    assert "failed" in decisions[1].reason


def test_another_release_takes_the_place_of_one_that_failed() -> None:
    offers = [offer("a", "1", resolution=1080, is_given_up=True), offer("b", "1", resolution=720)]
    assert taken(decide(offers)) == [("b", ["1"])]


def test_what_names_no_episode_is_never_taken() -> None:
    assert decide([offer("pack")]) == []


def test_deciding_again_with_what_was_taken_decides_nothing() -> None:
    offers = [*(offer(text, text) for text in TWELVE), offer("batch", *TWELVE[:6])]
    held = {one: Held(is_settled=False) for each in decide(offers) for one in each.episodes}
    assert decide(offers, held) == []


def test_what_a_user_demands_is_taken_as_whatever_there_is() -> None:
    offers = [
        offer("doubtful", "1", is_doubtful=True),
        offer("foreign", "2", language="vf"),
        offer("small", "3", resolution=480),
        offer("not demanded", "4", resolution=480),
    ]
    wishes = Wishes(lines=1080, language="vostfr")
    demanded = {episode(text) for text in "123"}
    decisions = choose(offers, {}, wishes, NOW, demanded=demanded)
    assert taken(decisions) == [("doubtful", ["1"]), ("foreign", ["2"]), ("small", ["3"])]
