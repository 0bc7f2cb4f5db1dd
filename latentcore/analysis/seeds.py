"""Seeds of random numbers."""

from __future__ import annotations

from latentcore.errors import RequestError

__all__ = ["check_seed"]

# What numpy's RandomState takes, which scikit-learn and umap-learn draw from.
_LARGEST_SEED = (1 << 32) - 1


def check_seed(seed: int) -> None:
    """Refuse a seed that scikit-learn and umap-learn can't take.

    Raises
    ------
    RequestError
    """
    if not 0 <= seed <= _LARGEST_SEED:
        message = f"The seed must be from 0 to {_LARGEST_SEED}, but is {seed}."
        raise RequestError(message)
