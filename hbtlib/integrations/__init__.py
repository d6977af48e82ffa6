"""Doors to other tools: sentence-transformers and mteb. No other room imports this one."""
