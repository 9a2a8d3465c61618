"""Names for arrays of numpy, for annotations: by what they hold, or by what they are in a formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
#: one number a stock or a day; numbers by day and stock
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
