"""The tables that the notebooks show, made from what `collect` gives."""
