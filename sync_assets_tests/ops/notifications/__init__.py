"""Tests of the notifications, with the real Apprise and a receiver on loopback."""
