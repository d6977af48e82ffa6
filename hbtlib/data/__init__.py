"""Data sets, one file each; what a data set is (pairs, benchmark), the catalog of all, and TREC's files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["trec"])
