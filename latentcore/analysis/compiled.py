"""How loops are compiled. Import it inside functions: numba takes a second to load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a loop to machine code, cached on disk, that runs without the interpreter's lock.

    Sums may be reordered, so that they run on vector units: the last digit of a result is the
    compiler's. Infinities and NaN keep their meaning, and a division by 0 makes one.
    """
    compiler = numba.njit(
        cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"}
    )
    return cast("F", compiler(function))


def compiled_exactly(function: F) -> F:
    """Compile a loop as `compiled` does, every sum in the order in which it is written."""
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
