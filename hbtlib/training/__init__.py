"""Fine-tuning an encoder on the batches of a plan."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, ["losses", "objectives"])
