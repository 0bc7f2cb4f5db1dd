"""Charts that are made once for all who look at the same.

Plotly checks all that it is given: on a page with a few charts that takes longer than the rest of
the run, and at most reruns all charts but one are as they were.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np
import streamlit as st

_Asked = ParamSpec("_Asked")
_Chart = TypeVar("_Chart")


def shared(chart: Callable[_Asked, _Chart]) -> Callable[_Asked, _Chart]:
    """Let a function that makes a chart return the one that it made of the same arguments.

    The latest 64 are kept. Nobody may change what is returned.
    """

    @functools.wraps(chart)
    def found(*args: _Asked.args, **named: _Asked.kwargs) -> _Chart:
        digest = hashlib.blake2b(chart.__qualname__.encode(), digest_size=16)
        _add(digest, (args, named))
        made: _Chart = _made(digest.hexdigest(), functools.partial(chart, *args, **named))
        return made

    return found


@st.cache_resource(max_entries=64, show_spinner=False)
def _made(key: str, _make: Callable[[], Any]) -> Any:
    del key
    return _make()


def _add(digest: hashlib.blake2b, value: Any) -> None:
    """Add a value to a digest: of arrays all bytes, of others their parts."""
    digest.update(type(value).__name__.encode())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, np.ndarray):
        _add(digest, value.tolist())
    elif dataclasses.is_dataclass(value):
        _add(digest, [getattr(value, field.name) for field in dataclasses.fields(value)])
    elif isinstance(value, Mapping):
        _add(digest, list(value.items()))
    elif isinstance(value, list | tuple):
        digest.update(str(len(value)).encode())
        for one in value:
            _add(digest, one)
    else:
        digest.update(f"{value!r}\0".encode())
