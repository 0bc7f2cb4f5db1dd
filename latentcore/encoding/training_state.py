"""What a training leaves on disk: what it started from, and its state between two steps.

A state holds weights, optimizer, place and history. There is no state of a random generator in
it: the order of an epoch and the noise of a step are drawn from seeds that name epoch and step, so
that a training which goes on draws what it would have drawn.

How a matrix library splits a sum among threads changes its last digits. So principal components
and targets are not computed anew by the process that goes on, perhaps with other threads or on a
busier machine; and it computes with as many threads as the first did, however many it was given.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

_STATE_FILE = "state.pt"


@dataclass(frozen=True)
class EpochLosses:
    """The losses of one epoch on one part of the points.

    Attributes
    ----------
    epoch : int
        Counted from 1; 0 is before the first step.
    split : str
        ``"train"``: averaged over the epoch's batches, while they were learned from, with the KL
        weight of that moment. ``"held-out"``: at the end of the epoch, with the final KL weight;
        only where points are held out.
    reconstruction, kl, total : float
        Mean squared error per pixel; nats per dimension; what is minimized.
    seconds : float
        Since the training began, without interruptions.
    patterns_per_s : float
        Of that part.
    learning_rate : float
        Of the last step.
    """

    epoch: int
    split: str
    reconstruction: float
    kl: float
    total: float
    seconds: float
    patterns_per_s: float
    learning_rate: float


@dataclass
class TrainingState:
    """Where a training stands.

    Attributes
    ----------
    epoch, step : int
        Finished epochs, and steps of the one in progress.
    sums : tensor of float64, shape (3,)
        Losses of these steps, each times its patterns.
    seconds : float
        Spent so far.
    best_epoch : int
        −1 before any epoch was judged.
    best_total : float
        Its loss, with the final KL weight.
    first_total : float
        The loss of the first step, with the final KL weight; NaN before it.
    model, best_model, optimizer : dict
        State dicts.
    """

    epoch: int = 0
    step: int = 0
    sums: torch.Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))
    seconds: float = 0.0
    history: list[EpochLosses] = field(default_factory=list)
    best_epoch: int = -1
    best_total: float = float("inf")
    first_total: float = float("nan")
    model: dict[str, Any] = field(default_factory=dict)
    best_model: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)


def write_state(folder: Path, state: TrainingState, question: str) -> None:
    """Replace the state in a folder, in one step."""
    plain = {name: getattr(state, name) for name in state.__dataclass_fields__}
    plain["history"] = [asdict(row) for row in state.history]
    write_answer(folder / _STATE_FILE, plain, question)


def read_state(folder: Path, question: str) -> TrainingState | None:
    """Return the state in a folder, or None where there is none that answers the question."""
    plain = read_answer(folder / _STATE_FILE, question)
    try:
        if plain is None:
            return None
        plain["history"] = [EpochLosses(**row) for row in plain["history"]]
        return TrainingState(**plain)
    except (KeyError, TypeError):
        return None


def write_answer(path: Path, plain: Mapping[str, Any], question: str) -> None:
    """Replace a file of tensors and plain values that answers a question, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        torch.save({"question": question, **plain}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_answer(path: Path, question: str) -> dict[str, Any] | None:
    """Return what such a file holds, None where there is none that answers the question."""
    try:
        plain: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return plain if plain.pop("question") == question else None
    except Exception:  # noqa: BLE001 - the unpickler raises whatever damage leads it to
        return None


_START_FILE = "start.pt"


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
    write_answer(folder / _START_FILE, plain, question)


def read_start(folder: Path, question: str) -> tuple[TrainingStart, int] | None:
    """Return what was written for a question, and the threads; None where nothing was."""
    plain = read_answer(folder / _START_FILE, question)
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
