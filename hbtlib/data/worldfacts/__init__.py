"""The embedded default data set."""
