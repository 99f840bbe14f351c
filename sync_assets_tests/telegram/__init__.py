"""Tests of the Telegram domain."""
