"""Tests of the scripts' commands."""
