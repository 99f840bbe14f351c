"""From bookmark to chat: one round with the real gallery-dl and both stand-ins."""

from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from sync_assets.definitions import build_defs
from sync_assets.settings import Settings
from sync_assets.settings.telegram import TelegramSettings
from sync_assets_tests.upstreams.pixiv import PixivStandIn, Work
from sync_assets_tests.upstreams.telegram import TOKEN, TelegramServer


def test_what_is_bookmarked_is_posted_once(
    pixiv_settings: Settings,
    pixiv: PixivStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in pixiv.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    pixiv.public = [Work(1, pages=2), Work(2, kind="ugoira", delays=(30, 40))]
    with TelegramServer() as telegram, dg.DagsterInstance.ephemeral() as instance:
        telegram.add_chat("1")
        configured = TelegramSettings.model_validate(
            {"bot_token": TOKEN, "chat_ids": ["1"], "base_url": telegram.url}
        )
        settings = pixiv_settings.model_copy(update={"telegram": configured})
        for _ in range(2):
            result = (
                build_defs(settings)
                .resolve_job_def("pixiv_sync")
                .execute_in_process(instance=instance, partition_key="main")
            )
            assert result.success
        kinds = Counter(message.kind for message in telegram.messages)
        assert kinds == {"photo": 2, "animation": 1}
        assert set(telegram.posted().values()) == {1}
        captions = [message.caption for message in telegram.messages if message.caption]
        assert sorted(caption.rpartition("/")[2] for caption in captions) == ["1", "2"]
