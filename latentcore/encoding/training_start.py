"""What a training starts from: computed once, and read back when it goes on.

How a matrix library splits a sum among threads changes its last digits. So principal components
and targets are not computed anew by the process that goes on, perhaps with other threads or on a
busier machine; and it computes with as many threads as the first did, however many it was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentcore.encoding.training_state import read_answer, write_answer

__all__ = ["TrainingStart", "computing_threads", "read_start", "write_start"]

_FILE = "start.pt"


@dataclass(frozen=True, eq=False)
class TrainingStart:
    """What a training starts from.

    Attributes
    ----------
    components : Mapping of str to ndarray
        Tensors of the principal components.
    target_scores : ndarray of float32, shape (m, k), or None
        Of the neighbor targets; None where patterns are reconstructed to themselves.
    """

    components: Mapping[str, NDArray[np.generic]]
    target_scores: NDArray[np.float32] | None


def write_start(folder: Path, start: TrainingStart, question: str) -> None:
    """Write what a training starts from, in one step; with it the number of threads in use."""
    scores = start.target_scores
    plain: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "components": {name: _tensor(values) for name, values in start.components.items()},
        "target_scores": None if scores is None else _tensor(scores),
    }
    write_answer(folder / _FILE, plain, question)


def read_start(folder: Path, question: str) -> tuple[TrainingStart, int] | None:
    """Return what was written for a question, and the threads; None where nothing was."""
    plain = read_answer(folder / _FILE, question)
    if plain is None:
        return None
    scores = plain["target_scores"]
    components = {name: values.numpy() for name, values in plain["components"].items()}
    start = TrainingStart(components, None if scores is None else scores.numpy())
    return start, plain["threads"]


@contextmanager
def computing_threads(count: int) -> Iterator[None]:
    """Let matrix libraries compute with so many threads, no more and no fewer."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    before = torch.get_num_threads()
    try:
        with threadpool_limits(count, user_api="blas"):
            # Said explicitly, it also keeps MKL from choosing fewer.
            torch.set_num_threads(count)
            yield
    finally:
        torch.set_num_threads(before)


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
