"""Telegram: an outbox of posts, sent with nothing lost and nothing sent twice.

Other domains use `outbox.enqueue` to have media posted, and `client.TelegramClient` to talk to
the Bot API; all else is this domain's own.
"""
