"""Tests of the STRM domain."""
