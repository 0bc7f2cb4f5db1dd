"""A training on its way, in a form that survives a kill at any moment.

A state holds weights, optimizer, place and history. There is no state of a random generator in
it: the order of an epoch and the noise of a step are drawn from seeds that tell epoch and step, so
that a training which goes on draws what it would have drawn.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

__all__ = [
    "EpochLosses",
    "TrainingState",
    "read_answer",
    "read_state",
    "write_answer",
    "write_state",
]

_FILE = "state.pt"


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
    write_answer(folder / _FILE, plain, question)


def read_state(folder: Path, question: str) -> TrainingState | None:
    """Return the state in a folder, or None where there is none that answers the question."""
    plain = read_answer(folder / _FILE, question)
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
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, TypeError):
        return None
