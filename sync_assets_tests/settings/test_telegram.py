"""The Telegram section: what is wrong is named before anything is sent."""

import pytest
from pydantic import ValidationError

from sync_assets.settings.telegram import TelegramSettings

TOKEN = "123456:ABC-DEF_1"


def test_without_a_bot_the_domain_is_off() -> None:
    assert not TelegramSettings().is_configured
    assert TelegramSettings.model_validate({"bot_token": TOKEN}).is_configured


@pytest.mark.parametrize("chat_id", ["-1001234567890", "42", "@my_channel"])
def test_chats_are_numbers_or_names(chat_id: str) -> None:
    settings = TelegramSettings.model_validate({"bot_token": TOKEN, "chat_ids": [chat_id]})
    assert settings.chat_ids == (chat_id,)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"bot_token": TOKEN, "chat_ids": ["my_channel"]}, "-1001234567890"),
        ({"bot_token": TOKEN, "chat_ids": ["https://t.me/x"]}, "@channel"),
        ({"chat_ids": ["1"]}, "needs bot_token"),
        ({"bot_token": "secret words"}, "@BotFather"),
        ({"proxy": "proxy.lan:3128"}, "http://proxy.lan:3128"),
        ({"caption_template": "{titel}"}, "unknown field"),
        ({"caption_max_length": 1_025}, "1024"),
        ({"on_unknown": "forget"}, "'ask', 'resend' or 'assume_sent'"),
    ],
)
def test_what_is_wrong_is_named(fields: dict, problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TelegramSettings.model_validate(fields)
    assert problem in str(caught.value)
    assert "secret words" not in str(caught.value)
