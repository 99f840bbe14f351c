"""Tests of the sources of media."""
