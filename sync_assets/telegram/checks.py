"""What must be true of the posts: Telegram confirmed each once, and every chat takes them."""

from collections.abc import Mapping, Sequence

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.ledger.types import AnyRow
from sync_assets.telegram.assets import POSTS
from sync_assets.telegram.chats import chat_problems, original_chat_ids
from sync_assets.telegram.models import PostState
from sync_assets.telegram.outbox import posts_in_state
from sync_assets.telegram.resolving import doubly_confirmed, resent_unknown
from sync_assets.telegram.settling import SendingReport
from sync_assets.telegram.tables import chat_table, post_table


def build_checks(chats: Mapping[str, Sequence[str]]) -> list[dg.AssetChecksDefinition]:
    """Build the checks.

    Args:
        chats: The chats of each account.
    """

    @dg.asset_check(
        asset=POSTS,
        description="Of every post it is known whether it is in its chat. For each unknown one, "
        "look into the chat; then scripts/telegram-posts resolve ID sent, or resend.",
    )
    def no_unknown_posts(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            unknown = posts_in_state(connection, PostState.UNKNOWN)
        return _result("unknown", unknown)

    @dg.asset_check(
        asset=POSTS,
        description="No post is twice in a chat: none has another one's message, and none was "
        "sent again in the last week after its answer was lost.",
    )
    def no_duplicate_posts(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        with ledger.read() as connection:
            suspects = [*doubly_confirmed(connection), *resent_unknown(connection)]
        return _result("duplicates", suspects)

    @dg.asset_check(
        asset=POSTS,
        description="Every chat takes posts. The posts of one that does not are kept for it.",
    )
    def chats_take_posts(ledger: dg.ResourceParam[Ledger]) -> dg.AssetCheckResult:
        configured = [chat_id for each in chats.values() for chat_id in each]
        with ledger.read() as connection:
            problems = chat_problems(connection, original_chat_ids(connection, configured))
        table = chat_table(SendingReport(problems=problems))
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "refusing": len(problems),
                **({"chats": dg.MetadataValue.md(table)} if problems else {}),
            },
        )

    return [no_unknown_posts, no_duplicate_posts, chats_take_posts]


def _result(name: str, posts: Sequence[AnyRow]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not posts,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            name: len(posts),
            **({"posts": dg.MetadataValue.md(post_table(posts))} if posts else {}),
        },
    )
