"""Chaos: everything is killed at random moments, and at the end everything must be right."""
