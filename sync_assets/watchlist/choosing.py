"""Which releases to take for an item: now, later, or none, and why.

Pure: what is offered, what is had and what is wished go in, decisions come out. Nobody is asked
and nothing is queued here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sync_assets.watchlist.item_numbering import place
from sync_assets.watchlist.numbering import EpisodeNumber
from sync_assets.watchlist.titles import Language, tier_of


class Verdict(StrEnum):
    """What is to be done about an episode."""

    TAKE = "take"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an item's user wants.

    Attributes:
        lines: The wanted step of quality: 1080, 720 or 480; None for the best that there is.
        language: The wanted language; None for any.
        groups: The preferred groups, the dearest first.
        replaces_versions: Whether a corrected version replaces the one that is had.
        wait: How long to wait for what is wanted before the best below it is taken.
        batch_minimum: A batch is taken at once where so many of its episodes are missing.
    """

    lines: int | None = None
    language: str | None = None
    groups: tuple[str, ...] = ()
    replaces_versions: bool = False
    wait: timedelta = timedelta(hours=12)
    batch_minimum: int = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A release that a provider lists.

    Attributes:
        key: What it is known by.
        episodes: The episodes in it; several for a batch, none where nobody can tell.
        first_seen_at: When it was seen first.
        resolution: Lines of the picture; None where unknown.
        group: Who made it.
        version: Of the release.
        language: What it can be watched in; None where it does not say.
        is_doubtful: Whether its number is, so that a person has to look first.
        is_given_up: Whether it was tried and failed for good.
    """

    key: str
    episodes: tuple[EpisodeNumber, ...]
    first_seen_at: datetime
    resolution: int | None = None
    group: str | None = None
    version: int = 1
    language: str | None = None
    is_doubtful: bool = False
    is_given_up: bool = False

    @property
    def is_batch(self) -> bool:
        """Whether it holds several episodes."""
        return len(self.episodes) > 1


@dataclass(frozen=True, slots=True)
class Held:
    """An episode that needs no release any more.

    Attributes:
        is_settled: Whether it is had; else its download is under way, or nobody wants it.
        version: Of the release that it is from.
        group: The release's group.
        resolution: The release's lines.
    """

    is_settled: bool = True
    version: int = 1
    group: str | None = None
    resolution: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about one or several episodes.

    Attributes:
        verdict: Take, wait or nothing.
        episodes: Which; of a batch those that are missing.
        reason: Why, for people.
        offer: The release to take, or the one that is taken when the wait is over.
        until: When the wait is over.
        is_replacement: Whether the episode is had in an earlier version.
    """

    verdict: Verdict
    episodes: tuple[EpisodeNumber, ...]
    reason: str
    offer: Offer | None = None
    until: datetime | None = None
    is_replacement: bool = False


def choose(
    offers: Sequence[Offer],
    held: Mapping[EpisodeNumber, Held],
    wishes: Wishes,
    now: datetime,
    *,
    demanded: Collection[EpisodeNumber] = (),
) -> list[Decision]:
    """Decide about every episode that is offered and not had.

    Args:
        offers: All releases that are known of the item, in the provider's order.
        held: The episodes that are had, under way or unwanted.
        wishes: What the item's user wants.
        now: The time.
        demanded: Episodes that the user wants at once, as whatever there is.

    Returns:
        One decision for each missing episode, in the item's order, except that one decision takes
        all the missing episodes of a batch; then those about corrected versions.
    """
    listed = {episode for offer in offers for episode in offer.episodes}
    missing = dict.fromkeys(sorted(listed - held.keys(), key=place))
    usable = [each for each in offers if _refusal(each, wishes) is None]
    decisions: list[Decision] = []
    for decide in (_whole_batches, _single_releases, _remaining_batches):
        made = decide(usable, tuple(missing), wishes, now)
        decisions += made
        for decision in made:
            for episode in decision.episodes:
                del missing[episode]
    decisions += [_nothing(episode, offers, wishes) for episode in missing]
    decisions = [
        _demanded(each, offers, wishes) if each.episodes[0] in demanded else each
        for each in decisions
    ]
    decisions.sort(key=lambda each: place(each.episodes[0]))
    return decisions + _corrections(usable, held, wishes)


def _whole_batches(
    usable: Sequence[Offer], missing: Iterable[EpisodeNumber], wishes: Wishes, now: datetime
) -> list[Decision]:
    """Take batches most of which is missing: one download instead of a dozen."""
    left = dict.fromkeys(missing)
    decisions = []
    batches = [each for each in usable if each.is_batch and _is_awaited_no_more(each, wishes, now)]
    while batches:
        best = max(batches, key=lambda each: (_gain(each, left), _rank(each, wishes)))
        gain = _gain(best, left)
        if gain < wishes.batch_minimum or gain * 2 < len(best.episodes):
            break
        decision = _taking(best, [each for each in best.episodes if each in left])
        decisions.append(decision)
        for episode in decision.episodes:
            del left[episode]
    return decisions


def _single_releases(
    usable: Sequence[Offer], missing: Iterable[EpisodeNumber], wishes: Wishes, now: datetime
) -> list[Decision]:
    """Take or await one release for each episode that has its own."""
    by_episode: dict[EpisodeNumber, list[Offer]] = {}
    for offer in usable:
        if not offer.is_batch:
            by_episode.setdefault(offer.episodes[0], []).append(offer)
    return [
        _taking_or_waiting([episode], by_episode[episode], wishes, now)
        for episode in missing
        if episode in by_episode
    ]


def _remaining_batches(
    usable: Sequence[Offer], missing: Iterable[EpisodeNumber], wishes: Wishes, now: datetime
) -> list[Decision]:
    """Take batches for the few episodes that come in no other way, after the wait."""
    left = dict.fromkeys(missing)
    decisions = []
    while batches := [each for each in usable if each.is_batch and _gain(each, left)]:
        best = max(batches, key=lambda each: (_gain(each, left), _rank(each, wishes)))
        episodes = tuple(each for each in best.episodes if each in left)
        until = _wait_ends([best], wishes, now)
        if until is None:
            decisions.append(_taking(best, episodes))
        else:
            reason = f"Only a batch holds it; until {until:%Y-%m-%d %H:%M} UTC it may come alone."
            decisions += [Decision(Verdict.WAIT, (each,), reason, best, until) for each in episodes]
        for episode in episodes:
            del left[episode]
    return decisions


def _demanded(decision: Decision, offers: Sequence[Offer], wishes: Wishes) -> Decision:
    """Take the best that there is of an episode, although nothing would be taken by itself."""
    if decision.verdict is Verdict.TAKE:
        return decision
    holding = [each for each in offers if decision.episodes[0] in each.episodes]
    best = max(holding, key=lambda each: (not each.is_batch, _rank(each, wishes)))
    return _taking(best, decision.episodes)


def _corrections(
    usable: Sequence[Offer], held: Mapping[EpisodeNumber, Held], wishes: Wishes
) -> list[Decision]:
    """Take corrected versions of what is had, from the same group and not in less quality."""
    if not wishes.replaces_versions:
        return []
    best: dict[EpisodeNumber, Offer] = {}
    for offer in usable:
        if offer.is_batch:
            continue
        (episode,) = offer.episodes
        had = held.get(episode)
        if had is None or not had.is_settled or not _corrects(offer, had):
            continue
        if episode not in best or offer.version > best[episode].version:
            best[episode] = offer
    return [
        Decision(
            Verdict.TAKE,
            (episode,),
            f"Version {offer.version} corrects version {held[episode].version}.",
            offer,
            is_replacement=True,
        )
        for episode, offer in sorted(best.items(), key=lambda each: place(each[0]))
    ]


def _corrects(offer: Offer, had: Held) -> bool:
    return (
        offer.version > had.version
        and _folded(offer.group) == _folded(had.group)
        and _tier(offer.resolution) >= _tier(had.resolution)
    )


def _taking_or_waiting(
    episodes: Sequence[EpisodeNumber], offers: Sequence[Offer], wishes: Wishes, now: datetime
) -> Decision:
    # Of several that are as good, the provider's first.
    best = max(offers, key=lambda each: _rank(each, wishes))
    until = None if _is_ideal(best, wishes) else _wait_ends(offers, wishes, now)
    if until is None:
        return _taking(best, episodes)
    reason = (
        f"{_shown(best)} is less than what is wanted; it is taken at {until:%Y-%m-%d %H:%M} UTC "
        "unless that comes."
    )
    return Decision(Verdict.WAIT, tuple(episodes), reason, best, until)


def _taking(offer: Offer, episodes: Sequence[EpisodeNumber]) -> Decision:
    shown = _shown(offer)
    if offer.is_batch:
        shown = f"{shown}, a batch with {len(episodes)} missing of {len(offer.episodes)} episodes,"
    return Decision(Verdict.TAKE, tuple(episodes), f"{shown} is the best that there is.", offer)


def _nothing(episode: EpisodeNumber, offers: Sequence[Offer], wishes: Wishes) -> Decision:
    refusals = (_refusal(each, wishes) for each in offers if episode in each.episodes)
    reasons = dict.fromkeys(each for each in refusals if each is not None)
    return Decision(Verdict.NOTHING, (episode,), " ".join(reasons))


def _refusal(offer: Offer, wishes: Wishes) -> str | None:
    """Say why a release is never taken by itself; None where it may be."""
    if not offer.episodes:
        return "It does not say which episodes it holds."
    if offer.is_doubtful:
        return "Its number is doubtful; look at it and take it by hand."
    if offer.is_given_up:
        return "Its download failed for good; it may come as another release."
    if not _speaks(offer.language, wishes.language):
        return f"It is in {offer.language}, not in {wishes.language}."
    if wishes.lines is not None and _tier(offer.resolution) > wishes.lines:
        return f"It has {offer.resolution} lines, more than the wanted {wishes.lines}."
    return None


def _speaks(offered: str | None, wanted: str | None) -> bool:
    """Whether a language is the wanted one; what says nothing of its language may be."""
    if wanted is None or offered is None or offered == Language.MULTIPLE:
        return True
    wanted, offered = wanted.casefold(), offered.casefold()
    return (
        wanted == offered
        or wanted.partition("-")[0] == offered
        or (offered.partition("-")[0] == wanted)
    )


def _is_ideal(offer: Offer, wishes: Wishes) -> bool:
    has_quality = wishes.lines is None or _tier(offer.resolution) == wishes.lines
    return has_quality and (not wishes.groups or _group_place(offer, wishes) > 0)


def _is_awaited_no_more(offer: Offer, wishes: Wishes, now: datetime) -> bool:
    return _is_ideal(offer, wishes) or _wait_ends([offer], wishes, now) is None


def _wait_ends(offers: Iterable[Offer], wishes: Wishes, now: datetime) -> datetime | None:
    """Return when the wait for something better is over; None where it is."""
    first_seen_at = min(each.first_seen_at for each in offers)
    until = first_seen_at + wishes.wait
    # What was seen in the future was seen by a wrong clock, which nobody waits for.
    return until if first_seen_at <= now < until else None


def _rank(offer: Offer, wishes: Wishes) -> tuple[int, int, int, int]:
    is_stated = wishes.language is not None and offer.language is not None
    return _tier(offer.resolution), _group_place(offer, wishes), int(is_stated), offer.version


def _group_place(offer: Offer, wishes: Wishes) -> int:
    """Return how dear a release's group is: 0 for none of the preferred ones."""
    groups = [_folded(each) for each in wishes.groups]
    group = _folded(offer.group)
    return len(groups) - groups.index(group) if group in groups else 0


def _gain(offer: Offer, missing: Mapping[EpisodeNumber, None]) -> int:
    return sum(episode in missing for episode in offer.episodes)


def _tier(resolution: int | None) -> int:
    return 0 if resolution is None else tier_of(resolution)


def _folded(group: str | None) -> str:
    return (group or "").casefold()


def _shown(offer: Offer) -> str:
    parts = [
        f"{offer.resolution}p" if offer.resolution else "unknown quality",
        offer.group or "",
        f"v{offer.version}" if offer.version > 1 else "",
    ]
    return ", ".join(part for part in parts if part)
