"""Tests of sync_assets; the folders mirror the package."""
