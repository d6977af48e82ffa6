"""The explorer: what stands behind a study's numbers, question by question, for people to look at.

`Explorer` is what `notebooks/explore.ipynb` shows. `studies` reads a study's committed runs,
`questions`, `rankings`, `cells`, `cutoffs` and `batches` make tables, `pages` makes HTML of them,
and `widgets` lets people change what is shown. Nothing here imports torch, and all but `widgets`
works without ipywidgets and without a browser.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["batches", "cells", "cutoffs", "pages", "questions", "rankings", "studies"],
    {"explorer": ["Explorer"], "studies": ["Explored", "explorable"]},
)
