"""Tests of the tokens that several processes share, against the stand-in of Trakt."""
