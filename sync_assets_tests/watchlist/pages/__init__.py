"""Tests of the watchlist's pages."""
