"""How a training ended, or that it diverges, and what to do then."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from latentcore.encoders.training_plan import TrainingPlan
from latentcore.encoding.training_state import EpochLosses, TrainingState
from latentcore.errors import RequestError

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


# A loss that exceeds the first by this much is not coming back.
_EXPLODED = 1e3
_LEAST_FIRST = 1e-6


class Diverged(Exception):  # noqa: N818 - it never leaves the training
    """The loss is no number any more, or far above where it began."""


def check_losses(total: float, first: float) -> None:
    """Compare a total loss with the first.

    Raises
    ------
    Diverged
        If it is not finite, or far above.
    """
    if not math.isfinite(total):
        message = "the loss is no finite number any more"
        raise Diverged(message)
    if total > _EXPLODED * max(first, _LEAST_FIRST):
        message = f"the loss rose to {total:.3g}, {_EXPLODED:g} times what it was at first"
        raise Diverged(message)


def explained(what: Diverged, plan: TrainingPlan, state: TrainingState) -> str:
    """Say what a diverged training means, and which weights are left.

    Raises
    ------
    RequestError
        If none are: it diverged before anything was learned.
    """
    where = f"in epoch {state.epoch + 1}"
    advice = (
        f"The learning rate {plan.learning_rate:g} is too large for this model and these "
        f"patterns: try {plan.learning_rate / 10:g}."
    )
    if state.best_epoch < 1:
        message = f"The training diverged {where}: {what}. Nothing was learned. {advice}"
        raise RequestError(message)
    return (
        f"The training diverged {where}: {what}. The weights of epoch {state.best_epoch}, the "
        f"best until then, were kept. {advice}"
    )
