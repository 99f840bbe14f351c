"""The asset of posts. Glue only: `posting` does the work."""

from collections.abc import Mapping, Sequence

import dagster as dg

from sync_assets.ledger import Ledger
from sync_assets.settings import Settings
from sync_assets.telegram.reporting import DOMAIN
from sync_assets.telegram.runs import send_for_run

POSTS = dg.AssetKey([DOMAIN, "posts"])
# By key: the domain of what is posted is not needed to load this one.
_POSTED = (dg.AssetKey(["pixiv", "files"]), dg.AssetKey(["pixiv", "animations"]))


def build_assets(
    settings: Settings,
    partitions: dg.StaticPartitionsDefinition,
    chats: Mapping[str, Sequence[str]],
) -> list[dg.AssetsDefinition]:
    """Build the asset for the configured accounts.

    Args:
        settings: The whole configuration.
        partitions: One partition per account.
        chats: The chats of each account.
    """
    off = (
        ""
        if settings.telegram.is_configured
        else " **Not configured: set telegram.bot_token and telegram.chat_ids in sync.toml.**"
    )

    @dg.asset(
        key=POSTS,
        group_name=DOMAIN,
        kinds={"api"},
        partitions_def=partitions,
        deps=[dg.AssetDep(key) for key in _POSTED],
        description="What each account's Telegram chats got: every file once, as far as Telegram "
        f"confirmed it. What it did not confirm waits for the user.{off}",
    )
    def posts(
        context: dg.AssetExecutionContext, ledger: dg.ResourceParam[Ledger]
    ) -> dg.MaterializeResult:
        return send_for_run(context, settings, ledger, chats)

    return [posts]
