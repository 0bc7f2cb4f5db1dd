"""p-values from the scores of surrogates, by themselves and corrected for their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["p_values", "step_down"]

# Scores that differ by rounding are the same.
_ROUNDING = 1e-12


def p_values(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (1 + surrogates at least as strong) / (1 + surrogates), shape (d,).

    Parameters
    ----------
    strengths : ndarray of float64, shape (1 + surrogates, d)
        The observed ones first; NaN columns stay NaN.
    """
    p: NDArray[np.float64] = (strengths >= strengths[0] * (1 - _ROUNDING)).mean(axis=0)
    p[np.isnan(strengths).any(axis=0)] = np.nan
    return p


def step_down(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct for the number of columns by the maximum over those not stronger, shape (d,).

    Strengths are taken in units of their column's spread, so that no column rules the maximum
    because its surrogates scatter more. The observed row is part of the spread: were it drawn
    from the null, every row would be as likely to be the observed one.
    """
    corrected = np.full(strengths.shape[1], np.nan)
    spread = strengths.std(axis=0)
    known = np.flatnonzero(np.isfinite(spread))
    if len(known) == 0:
        return corrected
    unit = np.where(spread[known] > 0, spread[known], 1)
    scaled = (strengths[:, known] - strengths[:, known].mean(axis=0)) / unit
    weakest_first = np.argsort(scaled[0], kind="stable")
    highest = np.maximum.accumulate(scaled[:, weakest_first], axis=1)
    p = (highest >= highest[0] - _ROUNDING).mean(axis=0)
    # A weaker column can't be more certain than a stronger one.
    corrected[known[weakest_first[::-1]]] = np.maximum.accumulate(p[::-1])
    return corrected
