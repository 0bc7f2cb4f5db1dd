"""How a training ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latentcore.encoding.training_state import EpochLosses

__all__ = ["Stopped", "TrainingResult"]

Stopped = Literal["epochs", "time", "diverged"]


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """How a training ended; the network holds the weights of the best epoch.

    Attributes
    ----------
    best_epoch : int
        By the loss on the points held out, where 0 is the start: nothing that was learned is
        better. Where none are held out, by the loss of the epoch's own batches.
    epochs : int
        That were carried out whole.
    stopped_by : {"epochs", "time", "diverged"}
    seconds : float
        Of training and judging, without interruptions.
    patterns_per_s : float
        Of the training steps of the last whole epoch.
    resumed_epochs : int
        That an interrupted run had done.
    message : str
        What a diverged training means; empty otherwise.
    """

    history: list[EpochLosses]
    best_epoch: int
    epochs: int
    stopped_by: Stopped
    seconds: float
    patterns_per_s: float
    resumed_epochs: int
    message: str = ""
