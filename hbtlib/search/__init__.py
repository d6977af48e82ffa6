"""Ranks of the relevant passages."""
