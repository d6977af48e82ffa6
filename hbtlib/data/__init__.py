"""Data sets: what one is (pairs.py, benchmark.py), one file each, and their list (catalog.py)."""
