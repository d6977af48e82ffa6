"""hbtlib: hybrid batch training for multilingual dense retrieval.

`import hbtlib as hbt` gives a notebook all it needs. A name is fetched when it is first used
(`__init__.pyi` says from where), so that what needs no torch starts at once.
"""

import warnings

import lazy_loader

# datasets and transformers bring this warning into every executed notebook, which has plain bars.
warnings.filterwarnings("ignore", message="IProgress not found")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
