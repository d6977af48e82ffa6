"""Which languages meet in a batch: strategies, and the plan of all batches of a training."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["strategies"])
