"""Find the Bangumi subject and episode of what was watched: plain Python, without Dagster.

`matcher` is the order of the rules and the way in. `show_links` is what the sources say about a
show, `placements` asks it about an episode, `movies` does the same for films, `deciding` weighs the
answers, `dates` brings in the day of the broadcast, `title_search` helps where there are no ids,
`overrides` are the user's own rules, and `evaluation` compares the result with labelled cases.
"""

from sync_assets.bangumi.matching.matcher import match_history
from sync_assets.bangumi.matching.models import (
    BangumiSearch,
    CustomItem,
    Match,
    MatchingRules,
    MatchStatus,
    MediaType,
    Method,
    SearchHit,
    WatchedItem,
)
from sync_assets.bangumi.matching.overrides import OverrideRule, Overrides, read_overrides

__all__ = [
    "BangumiSearch",
    "CustomItem",
    "Match",
    "MatchStatus",
    "MatchingRules",
    "MediaType",
    "Method",
    "OverrideRule",
    "Overrides",
    "SearchHit",
    "WatchedItem",
    "match_history",
    "read_overrides",
]
