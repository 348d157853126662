"""An outlying year, such as 2020, by a stated rule instead of by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue.smoothing import Array

#: Fewest points from which an outlier can be told.
LEAST = 7
#: A value is outlying beyond this many spreads of the others …
SCORE = 5.0
#: … and beyond this many log points from what its neighbours say.
SIZE = 0.08


def outlying(y: Array) -> NDArray[np.bool_]:
    """Which values are one-off outliers, shape (series, n).

    Notes
    -----
    d_t = log y_t − ½ (log y_{t−1} + log y_{t+1}) for the inner values. A value is outlying
    if |d_t| > 0.08 and |d_t| > 5 s, where s is 1.4826 times the median of |d| over the inner
    values and at least 0.01, and both neighbours lie on one side of it: it fell and came
    back, or rose and fell. The first and the last two values never are: at the end, a
    one-off cannot be told from a new level. Of neighbouring outliers the largest counts.
    Only for positive series of `LEAST` values and more.
    """
    count, n = y.shape
    found = np.zeros((count, n), dtype=bool)
    positive = (y > 0).all(axis=1)
    if n < LEAST or not positive.any():
        return found
    logs = np.log(y[positive])
    off = logs[:, 1:-1] - (logs[:, :-2] + logs[:, 2:]) / 2
    size = np.abs(off)
    spread = np.maximum(1.4826 * np.median(size, axis=1, keepdims=True), 0.01)
    alone = (logs[:, 1:-1] - logs[:, :-2]) * (logs[:, 1:-1] - logs[:, 2:]) > 0
    flagged = (size > SIZE) & (size > SCORE * spread) & alone
    padded = np.pad(size, ((0, 0), (1, 1)))
    largest = (size >= padded[:, :-2]) & (size >= padded[:, 2:])
    inner = np.zeros((len(logs), n), dtype=bool)
    inner[:, 1:-1] = flagged & largest
    inner[:, -2:] = False
    found[positive] = inner
    return found


def repaired(y: Array, found: NDArray[np.bool_]) -> Array:
    """Outlying values replaced by the geometric mean of their neighbours, for the fit only."""
    out = y.copy()
    rows, columns = np.nonzero(found)
    out[rows, columns] = np.sqrt(y[rows, columns - 1] * y[rows, columns + 1])
    return out
