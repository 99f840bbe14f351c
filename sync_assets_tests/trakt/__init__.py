"""Tests of the Trakt domain, against the stand-in."""
