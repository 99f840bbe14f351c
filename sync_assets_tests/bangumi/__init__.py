"""Tests of the Bangumi domain."""
