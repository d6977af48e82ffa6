"""Random streams: one for each thing that is drawn.

A stream depends on the seed and on what is drawn (the order of epoch 3, the languages of batch 70)
and on nothing else. So any batch can be drawn without the ones before it.
"""

import numpy as np

# What a stream is for. These numbers are part of the key: other numbers would give other batches.
EPOCH_ORDER = 1
BATCH = 2
PASS = 3


def stream(seed: int, purpose: int, *numbers: int) -> np.random.Generator:
    """The stream for one purpose.

    Args:
        seed: the plan's seed.
        purpose: one of the constants of this module.
        numbers: what tells streams of one purpose apart, for instance the number of the epoch.

    Returns:
        A new generator at its beginning.
    """
    key = np.random.SeedSequence((seed, purpose, *numbers))
    return np.random.Generator(np.random.Philox(key))


class BatchStreams:
    """The streams of all batches of a plan.

    A new seed sequence for each batch would cost more than the draws themselves. Philox is a
    counter-based generator: one key serves all batches, and the batch number goes into its counter.

    Args:
        seed: the plan's seed.
        n_sources: the number of sources; plans that differ in it draw other languages.
    """

    def __init__(self, seed: int, n_sources: int) -> None:
        seeds = np.random.SeedSequence((seed, BATCH, n_sources))
        self._key = seeds.generate_state(2, np.uint64)

    def __call__(self, t: int) -> np.random.Generator:
        """The stream of batch t, at its beginning."""
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, t, 0, 0]))
