"""Tests of the relay's API."""
