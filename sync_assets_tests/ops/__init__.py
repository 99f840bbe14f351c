"""Tests of running the project."""
