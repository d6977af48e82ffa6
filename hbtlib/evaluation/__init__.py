"""Evaluation: measures, language bias and significance, from tables of ranks, without torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["metrics", "probes", "trec"])
