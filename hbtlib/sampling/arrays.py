"""Names for the array types of this room, so that signatures say what an array holds."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Bits = NDArray[np.unsignedinteger]  # one bit a language
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
